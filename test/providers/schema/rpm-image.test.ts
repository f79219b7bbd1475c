import assert from "node:assert/strict";
import { rpmImageSchema } from "../../../providers/schema/rpm-image";
import { complaints, parsed } from "./parse";

const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";
const base = { baseurl: "https://example.org/9/os", gpgkey: [key] };
const image = (more: object) => ({
  machine: { kind: "local" },
  directory: "/srv/images",
  packages: [{ name: "nginx" }],
  repositories: { base },
  ...more,
});
const repository = (more: object) => image({ repositories: { base: { ...base, ...more } } });

describe("repositories of an image out of RPMs", () => {
  it("have both signatures checked unless they say otherwise", () => {
    assert.deepEqual(parsed(rpmImageSchema, image({})).repositories, {
      base: { baseurl: "https://example.org/9/os/", gpgkey: [key], gpgcheck: true, repo_gpgcheck: true },
    });
    const open = { baseurl: "file:///srv/repository/", gpgcheck: false, repo_gpgcheck: false };
    assert.deepEqual(parsed(rpmImageSchema, image({ repositories: { own: open } })).repositories, {
      own: { ...open, gpgkey: [] },
    });
  });

  const unsigned =
    "repositories.base.gpgkey: is required: without a key anybody between could give other packages. Fix: give the repository's key, or set gpgcheck: false and repo_gpgcheck: false, if that is meant";
  const place = (url: string) =>
    `repositories.base.baseurl: ${JSON.stringify(url)} is not the URL of a repository. Allowed: http, https or file, of the folder that holds repodata/, without blanks and dnf's variables`;
  const named = (name: string) =>
    `packages.0.name: ${JSON.stringify(name)} is not the name of a package. Allowed: as dnf takes it, "nginx" or "nginx-1.24.0-1.x86_64"; a file has a "/" in its path or ends in .rpm`;
  const refusals: [what: string, inputs: object, message: string][] = [
    ["without a key", image({ repositories: { base: { baseurl: base.baseurl } } }), unsigned],
    ["with one check off and no key", repository({ gpgkey: undefined, repo_gpgcheck: false }), unsigned],
    [
      "with what is no key",
      repository({ gpgkey: ["RPM-GPG-KEY"] }),
      'repositories.base.gpgkey.0: is no OpenPGP public key. Allowed: one as "gpg --armor --export" writes it, as text or the path of a file',
    ],
    [
      "with a key's URL",
      repository({ gpgkey: ["https://example.org/KEY"] }),
      'repositories.base.gpgkey.0: "https://example.org/KEY" is a URL, and whoever answers there would choose whom to trust. Fix: download the key, look at it, and give its path',
    ],
    ["of ftp", repository({ baseurl: "ftp://example.org/" }), place("ftp://example.org/")],
    ["with dnf's variables", repository({ baseurl: "https://a/$basearch/" }), place("https://a/$basearch/")],
    [
      "with a word of dnf's that is none here",
      repository({ metalink: "https://example.org" }),
      'repositories.base.metalink: unknown field "metalink"; did you mean "gpgcheck"? Allowed: baseurl, gpgkey, gpgcheck, repo_gpgcheck',
    ],
    [
      "that are not there",
      image({ repositories: undefined }),
      'repositories: is required: packages are given by name. Fix: give a repository, or write "./" before the path of a file',
    ],
    ["and a name that is none", image({ packages: [{ name: "@core group" }] }), named("@core group")],
    ["and a name with a wildcard", image({ packages: [{ name: "nginx*" }] }), named("nginx*")],
    [
      "and what a lookup alone may say",
      image({ packages: [{ name: "nginx", href: "../a" }] }),
      'packages.0.href: unknown field "href"; did you mean "name"? Allowed: name',
    ],
    [
      "and an architecture that is none",
      image({ architecture: "x86-64" }),
      'architecture: "x86-64" is not an architecture. Allowed: as rpm names it, "x86_64"',
    ],
  ];
  for (const [what, inputs, message] of refusals)
    it(`are refused ${what}`, () => assert.deepEqual(complaints(rpmImageSchema, inputs), [message]));
});
