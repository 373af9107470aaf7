/** A preview asks the cloud whether it offers the server that would be made. */
import * as pulumi from "@pulumi/pulumi";
import { offered } from "../../components/sinkhole/cloud";
import { startMocks, world } from "./mocks";

class Parent extends pulumi.ComponentResource {
  constructor() {
    super("test:index:Parent", "parent");
  }
}

const WANTED = { serverType: "cx999", image: "debian-13", location: "fsn1" };
const CLOUD = {
  getServers: { servers: [] as object[] },
  getServerTypes: { serverTypes: [{ id: 104, name: "cx23", architecture: "x86", locations: [] }] },
  getImages: { images: [{ id: 7, name: "debian-13", architecture: "x86" }] },
  getLocations: { locations: [{ id: 1, name: "fsn1" }] },
};
const ask = (wanted = WANTED) => offered(new Parent(), 'sinkhole "vps"', "vps", wanted);

test("a server type that it has not is refused before anything is made, with those that it has", async () => {
  await startMocks(true);
  world.cloud = CLOUD;
  await expect(ask()).rejects.toThrow(/sinkhole "vps": 1 problem, nothing was changed[^]*cx999[^]*known are: cx23/);
  await expect(ask({ ...WANTED, serverType: "cx23" })).resolves.toEqual({ ...WANTED, serverType: "cx23" });
});

test("a server that is there as it is wanted, a token that may not read, and an update ask nothing more", async () => {
  await startMocks(true);
  world.cloud = { getServers: { servers: [{ name: "vps", ...WANTED }] } };
  await expect(ask()).resolves.toEqual(WANTED);
  world.cloud = {};
  await expect(ask()).resolves.toEqual(WANTED);
  world.cloud = { ...CLOUD, getServerTypes: undefined as never };
  await expect(ask()).resolves.toEqual(WANTED);
  await startMocks(false);
  world.cloud = CLOUD;
  await expect(ask()).resolves.toEqual(WANTED);
});

test("another type for a server that is there is asked for", async () => {
  await startMocks(true);
  world.cloud = { ...CLOUD, getServers: { servers: [{ name: "vps", ...WANTED, serverType: "cx23" }] } };
  await expect(ask()).rejects.toThrow(/cx999/);
});
