import { checkOffer, type Offer, type Wanted } from "../../../components/sinkhole/offer";

const OFFER: Offer = {
  locations: [
    { id: 1, name: "fsn1" },
    { id: 4, name: "ash" },
  ],
  serverTypes: [
    {
      id: 104,
      name: "cx23",
      architecture: "x86",
      locations: [{ name: "fsn1" }, { name: "ash", unavailableAfter: "2026-01-01T00:00:00Z" }],
    },
    { id: 45, name: "cax11", architecture: "arm", locations: [{ name: "fsn1" }] },
    { id: 1, name: "cx1", architecture: "x86" },
  ],
  images: [
    { id: 7, name: "debian-13", architecture: "x86" },
    { id: 8, name: "debian-13", architecture: "arm" },
    { id: 9, name: "centos-7", architecture: "x86" },
    { id: 10, name: "", architecture: "x86" },
  ],
};
const NOW = Date.parse("2026-06-01");
const server = (more: Partial<Wanted> = {}): Wanted => ({
  serverType: "cx23",
  image: "debian-13",
  location: "fsn1",
  ...more,
});
const problems = (wanted: Wanted, offer = OFFER, there?: Partial<Wanted>, now = NOW): string => {
  try {
    checkOffer(wanted, offer, there, now).throwIfAny("it");
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

test("what the cloud offers passes, by name and by number", () => {
  for (const more of [
    {},
    { serverType: "cax11" },
    { serverType: "104", image: "10" },
    { serverType: "cx1", location: "ash" },
  ])
    expect([more, problems(server(more))]).toEqual([more, ""]);
  expect(problems(server({ location: "ash" }), OFFER, undefined, Date.parse("2025-06-01"))).toBe("");
});

test.each([
  [{ serverType: "cx999" }, /serverType: Hetzner has no such server type \("cx999"\)\n.*known are: cax11, cx1, cx23/],
  [{ location: "fsn9" }, /location: Hetzner has no such location \("fsn9"\)\n.*known are: ash, fsn1/],
  [{ location: "ash" }, /serverType: Hetzner does not offer it in ash \("cx23"\)\n.*locations with it: fsn1/],
  [{ image: "debain-13" }, /image: Hetzner has no such image \("debain-13"\)\n.*known are: centos-7, debian-13$/m],
  [
    { serverType: "cax11", image: "centos-7" },
    /image: there is none for arm, as cax11 is \("centos-7"\)\n.*known are: debian-13$/m,
  ],
])("what it does not offer is refused with what there is: %j", (more, words) => {
  expect(problems(server(more))).toMatch(words);
});

test("what a server has already is not asked for again, and what the token may not read is passed over", () => {
  expect(problems(server({ serverType: "gone" }), OFFER, server({ serverType: "gone" }))).toBe("");
  expect(problems(server({ image: "gone" }), OFFER, server({ image: "gone", serverType: "cx1" }))).toBe("");
  expect(problems(server({ serverType: "cx999", image: "gone" }), OFFER, server({ image: "gone" }))).toMatch(/cx999/);
  expect(problems(server({ serverType: "cx999", image: "no", location: "no" }), {})).toBe("");
});
