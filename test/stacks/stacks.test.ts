import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { assertAccepted, computeOutputs, find, ofKind, run, tree, valueOf } from "../components/mocks";
import stacks from "../../stacks";

type Outputs = { [name: string]: pulumi.Output<unknown> };

describe("stacks", () => {
  before(computeOutputs);
  afterEach(() => pulumi.runtime.setAllConfig({}));

  const program = stacks as () => Promise<Outputs>;

  it("refuses a stack that no environment is for, and says which there are", async () => {
    await assert.rejects(program(), {
      message:
        'there is no environment "test". Allowed: dev, datacenter, datacenter-pair, shop. Fix: name the stack after one of them, or run `pulumi config set environment NAME`',
    });
  });

  it("brings up dev: a network, an image, a web server in front of an application", async () => {
    pulumi.runtime.setAllConfig({ "pulumi-kvm:environment": "dev" });
    let outputs!: Outputs;
    const made = await run(async () => (outputs = await program()));
    assertAccepted(made);
    assert.deepEqual(tree(made), [
      "BackupJob web-pages",
      "BackupJob web-pages > TarBackup web-pages",
      "BootstrapImage debian",
      "BootstrapImage debian > BootstrapImage debian",
      "File app-program",
      "File app-unit",
      "File web-page",
      "File web-site",
      "Guest test-app",
      "Guest test-app > Domain test-app",
      "Guest test-app > NetworkFilter test-app-0",
      "Guest test-app > Volume test-app-root",
      "Guest test-web",
      "Guest test-web > Domain test-web",
      "Guest test-web > NetworkFilter test-web-0",
      "Guest test-web > Volume test-web-root",
      "KvmHost local",
      "KvmHost local > Host local",
      "KvmHost local > NatNetwork local-test",
      "KvmHost local > StoragePool local-test",
      "NatNetwork local-test > Network local-test",
      "Service app",
      "Service web",
    ]);
    const network = find("Network", "local-test", made).inputs;
    assert.deepEqual([network["ipv4"], network["ipv6"]], ["192.168.190.0/24", "fd00:190::/64"]);
    for (const guest of ["test-app", "test-web"]) {
      const domain = find("Domain", guest, made);
      assert.match(domain.inputs["nics"][0].filter, new RegExp(`^${guest}-525400`));
      assert.equal(domain.inputs["nics"][0].network, "test");
      assert.ok(domain.dependencies.includes("Network local-test"));
    }
    const site = find("File", "web-site", made);
    assert.match(site.inputs["content"] as string, /proxy_pass http:\/\/192\.168\.122\.10:8080\/;/);
    assert.ok(site.dependencies.includes("Domain test-app"), "the proxy waits for the application's address");
    assert.ok(find("Service", "web", made).dependencies.includes("Service app"), "the web server comes last");
    assert.equal(ofKind("Service", made).length, 2);
    assert.equal(await valueOf(outputs["url"]!), "http://192.168.122.10/");
    assert.deepEqual(Object.keys(outputs).sort(), ["addresses", "backups", "console", "url"]);
  });
});
