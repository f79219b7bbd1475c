import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { dumped } from "../../../components/backup/postgres-dump";
import { PostgresInstanceHandler } from "../../../providers/handlers/postgres-instance";
import { TarBackupHandler } from "../../../providers/handlers/tar-backup";
import type { PostgresInstance } from "../../../providers/resources/postgres-instance";
import { ContainerLab } from "../../providers/handlers/container-lab";
import { Project } from "../../e2e/project";
import { Played } from "../../providers/handlers/played";
import { tomcatPackages } from "../../providers/handlers/tomcat-packages";
import { valueOf } from "../mocks";

describe("a backup job of a database, in a container", function () {
  this.timeout(180_000);
  let lab: ContainerLab;
  const server = new Played(new PostgresInstanceHandler());
  const job = new Played(new TarBackupHandler());
  const program = "/usr/local/sbin/kvm-backup-database";

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
    const target = "/srv/backup";
    await job.up({ machine: lab.machine("db"), name: "database", target, compress: "gzip", drill: "weekly", ...shape });
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

  /** The program of docs/backup.md, with what stands for its first two lines here. */
  const drill = () => {
    const page = readFileSync(join(__dirname, "../../../docs/backup.md"), "utf8");
    const [, example] = /^## A drill in a guest of its own$.*?^```ts\n(.*?)^```$/ms.exec(page)!;
    const here = (value: unknown) => JSON.stringify(value);
    const host = `{ connection: { uri: ${here(lab.host.socketUri())} }, machine: ${here(lab.host.machine)} }`;
    const image = `{ path: pulumi.output(${here(lab.image)}), format: pulumi.output("directory"), kind: "lxc", agent: false }`;
    const given = `const host = new kvm.KvmHost("kvm1", ${host});\nconst vault = ${here(lab.machine("db"))};\nconst image = ${image};\n`;
    return given + example!.replace(/^const (vault|image)\b.*\n/gm, "").replace(/^export const (\w+)/gm, "exports.$1");
  };

  it("is proven in a guest that has only what was restored, by a stack that comes and goes", async () => {
    const project = await Project.create(drill());
    try {
      await project.up();
      const { proven } = await project.outputs<{ proven: string }>();
      assert.match(proven, /^1 orders\n in \d{8}T\d{6}Z-0$/);
    } finally {
      await project.attempt("destroy", "--yes", "--skip-preview");
      await project.dispose();
    }
  });

  it("fails the run when the server does not answer, and publishes nothing", async () => {
    await lab.inside("db", "systemctl", "stop", "postgresql@15-main");
    await assert.rejects(lab.inside("db", program, "run"), /the hook before the run failed: nothing was backed up/);
    const points = await lab.inside("db", program, "list");
    assert.equal(points.trim().split("\n").length, 2);
  });
});
