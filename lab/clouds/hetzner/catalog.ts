/** A place of the cloud. */
export interface Location {
  id: number;
  name: string;
  description: string;
  country: string;
  city: string;
  latitude: number;
  longitude: number;
  network_zone: string;
}

/** A size of server; memory in GB, disk in GB. */
export interface ServerType {
  id: number;
  name: string;
  cores: number;
  memory: number;
  disk: number;
  cpu_type: "shared" | "dedicated";
  category: string;
}

/** An operating system image. */
export interface Image {
  id: number;
  name: string;
  description: string;
  os_flavor: string;
  os_version: string;
}

/** Places, with the network zones of the real cloud. */
export const LOCATIONS: readonly Location[] = [
  place(1, "fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", 50.47612, 12.370071, "eu-central"),
  place(2, "nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", 49.452102, 11.076665, "eu-central"),
  place(3, "hel1", "Helsinki DC Park 1", "FI", "Helsinki", 60.169855, 24.938379, "eu-central"),
  place(4, "ash", "Ashburn, VA", "US", "Ashburn, VA", 39.045821, -77.487073, "us-east"),
  place(5, "hil", "Hillsboro, OR", "US", "Hillsboro, OR", 45.54222, -122.951924, "us-west"),
  place(6, "sin", "Singapore", "SG", "Singapore", 1.283333, 103.833333, "ap-southeast"),
];

/** Sizes: all x86, since the lab boots them on its own machine. */
export const SERVER_TYPES: readonly ServerType[] = [
  size(104, "cx23", 2, 4, 40, "shared", "Cost-Optimized"),
  size(105, "cx33", 4, 8, 80, "shared", "Cost-Optimized"),
  size(106, "cx43", 8, 16, 160, "shared", "Cost-Optimized"),
  size(107, "cx53", 16, 32, 320, "shared", "Cost-Optimized"),
  size(109, "cpx22", 2, 4, 80, "shared", "Regular Performance"),
  size(110, "cpx32", 4, 8, 160, "shared", "Regular Performance"),
  size(96, "ccx13", 2, 8, 80, "dedicated", "General Purpose"),
];

/** Images: what the lab can boot. */
export const IMAGES: readonly Image[] = [
  { id: 310557660, name: "debian-13", description: "Debian 13", os_flavor: "debian", os_version: "13" },
];

/** Finds an entry by numeric id or by name, as the API's "id or name" fields do. */
export function byIdOrName<T extends { id: number; name: string }>(
  entries: readonly T[],
  key: string | number,
): T | undefined {
  return entries.find((entry) => entry.name === key || String(entry.id) === String(key));
}

/** API form of a server type. */
export function presentServerType(type: ServerType): object {
  const price = { gross: "0.0000000000000000", net: "0.0000000000" };
  return {
    ...type,
    description: type.name.toUpperCase(),
    storage_type: "local",
    architecture: "x86",
    deprecated: false,
    deprecation: null,
    included_traffic: 0,
    prices: LOCATIONS.map((location) => ({
      location: location.name,
      price_hourly: price,
      price_monthly: price,
      included_traffic: 21990232555520,
      price_per_tb_traffic: price,
    })),
    locations: LOCATIONS.map(({ id, name }) => ({
      id,
      name,
      deprecation: null,
      available: true,
      recommended: true,
    })),
  };
}

/** API form of an image. */
export function presentImage(image: Image): object {
  return {
    ...image,
    type: "system",
    status: "available",
    image_size: null,
    disk_size: 5,
    created: "2025-08-12T07:17:35Z",
    created_from: null,
    bound_to: null,
    rapid_deploy: true,
    protection: { delete: false },
    deprecated: null,
    deleted: null,
    labels: {},
    architecture: "x86",
  };
}

function place(
  id: number,
  name: string,
  description: string,
  country: string,
  city: string,
  latitude: number,
  longitude: number,
  network_zone: string,
): Location {
  return { id, name, description, country, city, latitude, longitude, network_zone };
}

function size(
  id: number,
  name: string,
  cores: number,
  memory: number,
  disk: number,
  cpu_type: "shared" | "dedicated",
  category: string,
): ServerType {
  return { id, name, cores, memory, disk, cpu_type, category };
}
