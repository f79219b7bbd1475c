const maven = (sha256: string, coordinates: string) => ({ file: `maven:${coordinates}`, sha256, javax: true });

/** Apache Pluto's portal, 2.0.3: what its classes are for, all applications share. */
export const plutoLibraries = [
  maven(
    "8b931701700b53113d8d5085595c6e05e72e93f7e3938578d1cf377b3d1944c1",
    "org.apache.portals.pluto:pluto-container-api:2.0.3",
  ),
  maven(
    "e46804fa7d3a82ecca41e9231d71b395aca0757147c7fe07d0a4276c161195d5",
    "org.apache.portals.pluto:pluto-container-driver-api:2.0.3",
  ),
  maven(
    "053d40b96b8b93a48b8e7dfcf711cd842229e2d0e0afff9d739b8b7c3c4d8423",
    "org.apache.portals.pluto:pluto-taglib:2.0.3",
  ),
  maven("c990cb5ece82f97e18847ab07fa1569d1dd5f80f166f27c979a075c60bb361d0", "javax.portlet:portlet-api:2.0"),
  maven("f3b80898ff25c83ce7c0634f05ee9c094b2511773df9908d9a98437e62888af6", "javax.ccpp:ccpp:1.0"),
  maven(
    "6597d0cd9c7a984a896560beca2563aa28c149b00dfa9258a518440df9d02f75",
    "org.apache.portals.bridges:portals-bridges-common:2.0",
  ),
];

export const plutoPortal = {
  war: "maven:org.apache.portals.pluto:pluto-portal:2.0.3:war",
  sha256: "c4f07c0bfdbad9969a7dd410f2ce3f73f16085a5dfe51ac3454a166420435fc8",
};
