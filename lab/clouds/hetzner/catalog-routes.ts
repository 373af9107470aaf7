import type { FastifyInstance } from "fastify";
import { IMAGES, LOCATIONS, presentImage, presentServerType, SERVER_TYPES, type Image } from "./catalog";
import { listed, type Listing, type Query } from "./list";
import { find } from "./project";

interface Entry {
  id: number;
  name: string;
}

/** All images are the provider's own, of one architecture, and none is deprecated: filters compare with that. */
const IMAGE_LISTING: Partial<Listing<Image>> = {
  filters: {
    name: { of: ({ name }) => name },
    architecture: { of: () => "x86", values: ["x86", "arm"] },
    type: { of: () => "system", values: ["system", "snapshot", "backup", "app"] },
    status: { of: () => "available", values: ["available", "creating", "unavailable"] },
    bound_to: { of: () => "" },
  },
  ignored: ["include_deprecated"],
  labels: () => ({}),
  sort: { id: ({ id }) => id, name: ({ name }) => name, created: ({ id }) => id },
};

/** Routes of what the cloud offers: server types, images, locations. */
export function catalogRoutes(app: FastifyInstance): void {
  register(app, "server_types", "server_type", SERVER_TYPES, presentServerType);
  register(app, "locations", "location", LOCATIONS, (location) => location);
  register(app, "images", "image", IMAGES, presentImage, IMAGE_LISTING);
}

function register<T extends Entry>(
  app: FastifyInstance,
  collection: string,
  single: string,
  entries: readonly T[],
  present: (entry: T) => object,
  more: Partial<Listing<T>> = {},
): void {
  const listing: Listing<T> = {
    key: collection,
    present,
    filters: { name: { of: ({ name }) => name } },
    sort: { id: ({ id }) => id, name: ({ name }) => name },
    ...more,
  };
  app.get(`/${collection}`, ({ query }) => listed(entries, query as Query, listing));
  app.get<{ Params: { id: string } }>(`/${collection}/:id`, ({ params }) => ({
    [single]: present(find([...entries], single.replace("_", " "), params.id)),
  }));
}
