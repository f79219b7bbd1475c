import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { dumped } from "../../../components/backup/postgres-dump";
import { PostgresInstanceHandler } from "../../../providers/handlers/postgres-instance";
import { TarBackupHandler } from "../../../providers/handlers/tar-backup";
import type { PostgresInstance } from "../../../providers/resources/postgres-instance";
import { ContainerLab } from "../../providers/handlers/container-lab";
import { Played } from "../../providers/handlers/played";
import { tomcatPackages } from "../../providers/handlers/tomcat-packages";
import { valueOf } from "../mocks";

describe("a backup job of a database, in a container", function () {
  this.timeout(180_000);
  let lab: ContainerLab;
  const server = new Played(new PostgresInstanceHandler());
  const job = new Played(new TarBackupHandler());
  const program = "/usr/local/sbin/kvm-backup-db";

  before(async function () {
    lab = await ContainerLab.up(this, tomcatPackages);
    const root = await lab.root("db");
    await lab
      .domain()
      .up({ ...lab.args("db", root), memory: "1GiB", nics: [], ready: { booted: true, timeout: "90s" } });
    const databases = { shop: { owner: "shop" } };
    await server.up({ machine: lab.machine("db"), slot: "db", users: { shop: {} }, databases, allow: [] });
  });
  after(() => lab?.down());

  const sql = (statement: string) =>
    lab.inside("db", "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", "shop", "-c", statement);

  it("brings back what was in it, and proves so", async () => {
    await sql("CREATE TABLE orders (name text); INSERT INTO orders VALUES ('it''s one')");
    const hooks = dumped("db", { port: pulumi.output(5432) } as PostgresInstance, { paths: [], drill: "weekly" });
    const shape = (await valueOf(pulumi.output(hooks))) as object;
    const target = "/var/backup";
    await job.up({ machine: lab.machine("db"), name: "db", target, compress: "gzip", drill: "weekly", ...shape });
    await lab.inside("db", program, "run");
    const status = JSON.parse(await lab.inside("db", program, "status")) as { drill: { result: string } };
    assert.equal(status.drill.result, "ok");
    await lab.inside("db", "test", "!", "-e", "/var/lib/kvm-backup-postgresql");
    await sql("DROP TABLE orders");
    await lab.inside("db", program, "restore", "--to", "/root/restored");
    const all = "/root/restored/var/lib/kvm-backup-postgresql/all.sql";
    await lab.inside("db", "sh", "-c", 'runuser -u postgres -- psql -q <"$1" >/dev/null 2>&1', "sh", all);
    assert.equal(await sql("SELECT name FROM orders"), "it's one");
  });

  it("fails the run when the server does not answer, and publishes nothing", async () => {
    await lab.inside("db", "systemctl", "stop", "postgresql@15-main");
    await assert.rejects(lab.inside("db", program, "run"), /the hook before the run failed: nothing was backed up/);
    const points = await lab.inside("db", program, "list");
    assert.equal(points.trim().split("\n").length, 2);
  });
});
