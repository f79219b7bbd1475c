import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { SelfSignedCertificateHandler } from "../../../providers/handlers/self-signed-certificate";
import { Played } from "./played";

describe("a self-signed certificate", () => {
  it("is made for its names, with its key, and stays until the last third of its time", async () => {
    let now = new Date();
    const played = new Played(new SelfSignedCertificateHandler(undefined, () => now));
    const args = { names: ["www.example.org", "*.example.net"], validity: "90d" };
    assert.deepEqual(await played.up(args), ["create"]);
    const certificate = new X509Certificate(played.state["certificate"]);
    assert.equal(certificate.subjectAltName, "DNS:www.example.org, DNS:*.example.net");
    assert.ok(certificate.checkPrivateKey(createPrivateKey(played.state["key"])));
    assert.equal(certificate.checkHost("a.example.net"), "*.example.net");
    assert.deepEqual(await played.up(args), []);
    const day = 24 * 3600 * 1000;
    now = new Date(Date.now() + 59 * day);
    assert.deepEqual(await played.refresh(), []);
    now = new Date(Date.now() + 61 * day);
    assert.deepEqual(await played.refresh(), ["gone"]);
  });

  it("is refused for no host, and for too long a time", async () => {
    const played = new Played(new SelfSignedCertificateHandler());
    assert.deepEqual(await played.preview({ names: [] }), [
      "names: is empty. Allowed: the names of the hosts that it is for",
    ]);
    assert.deepEqual(await played.preview({ names: ["a"], validity: "20y" }), [
      'validity: "20y" is not a duration. Allowed: a number with ms, s, m, h or d, e.g. "30s"',
    ]);
    assert.deepEqual(await played.preview({ names: ["a"], validity: "4000d" }), [
      'validity: got "4000d". Allowed: "1d" to "3650d"',
    ]);
  });
});
