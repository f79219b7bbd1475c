import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TomcatServerHandler } from "../../../providers/handlers/tomcat-server";
import { ContainerLab } from "./container-lab";
import { Played } from "./played";
import { tomcatPackages } from "./tomcat-packages";
import { war } from "./war";

const counter = `<%
  Integer count = (Integer) session.getAttribute("count");
  session.setAttribute("count", count = count == null ? 1 : count + 1);
  out.print(count + " " + session.getId());
%>`;

describe("Tomcats that keep each other's sessions", function () {
  this.timeout(240_000);
  let lab: ContainerLab;
  let folder: string;
  const names = ["one", "two"];
  const addresses: { [name: string]: string } = { one: "192.168.170.11", two: "192.168.170.12" };
  let servers: Played[];

  before(async function () {
    lab = await ContainerLab.up(this, tomcatPackages);
    folder = mkdtempSync(join(tmpdir(), "kvm-cluster-"));
    const roots: { root: string; init: string }[] = [];
    for (const name of names) roots.push(await lab.root(name));
    await Promise.all(
      names.map((name, at) =>
        lab.domain().up({
          ...lab.args(name, roots[at]!),
          memory: "768MiB",
          nics: [{ network: "lan", addresses: [`${addresses[name]}/24`], gateway: ["192.168.170.1"] }],
          ready: { booted: true, timeout: "90s" },
        }),
      ),
    );
    servers = names.map(() => new Played(new TomcatServerHandler()));
  });

  after(async () => {
    await lab?.down();
    if (folder) rmSync(folder, { recursive: true });
  });

  const args = (name: string, page: string, more: object = {}) => {
    const bytes = war({ "index.jsp": page });
    const file = join(folder, "counter.war");
    writeFileSync(file, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return {
      machine: lab.machine(name),
      name: "shop",
      route: name,
      applications: { "/": { war: file, sha256 } },
      jvmFlags: ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
      cluster: {
        address: addresses[name],
        members: names.map((each) => ({ name: each, address: addresses[each] })),
      },
      ...more,
    };
  };
  /** The count and the session's id that a server answers to whoever has this id. */
  const count = async (name: string, id?: string) => {
    const cookie = id === undefined ? [] : ["-b", `JSESSIONID=${id}`];
    const { stdout } = await lab.host.run(["curl", "-sS", "-f", ...cookie, `http://${addresses[name]}:8080/`]);
    const [number, session] = stdout.trim().split(" ");
    return { number: Number(number), id: session! };
  };

  it("have a session that one of them was given, and keep it when that one is killed and comes back", async () => {
    await Promise.all(servers.map((server, at) => server.up(args(names[at]!, counter))));
    const first = await count("one");
    assert.equal(first.number, 1);
    assert.match(first.id, /\.one$/);
    const second = await count("two", first.id);
    assert.equal(second.number, 2);
    assert.equal((await count("one", second.id)).number, 3);
    await lab.inside("one", "systemctl", "kill", "--signal", "KILL", "tomcat-shop");
    const third = await count("two", second.id);
    assert.equal(third.number, 4);
    // Its service manager starts it again, and it has the sessions of the others before it is asked.
    assert.deepEqual(await servers[0]!.up(args("one", counter, { timeout: "3m" })), []);
    await lab.inside(
      "one",
      "sh",
      "-c",
      "until bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080' 2>/dev/null; do sleep 0.2; done",
    );
    assert.equal((await count("one", third.id)).number, 5);
  });

  it("keep sessions while one after the other is restarted with another setting", async () => {
    let session = await count("one");
    for (const [at, name] of names.entries()) {
      const changes = await servers[at]!.up(args(name, counter, { heap: { maximum: "200MiB" } }));
      assert.deepEqual(changes, ["heap: live"]);
      session = await count(name, session.id);
    }
    assert.equal((await count("one", session.id)).number, 4);
  });

  it("keep sessions of the old version while the new one comes in", async () => {
    const old = await count("one");
    for (const [at, name] of names.entries()) await servers[at]!.up(args(name, `new ${counter}`));
    assert.equal((await count("two", old.id)).number, 2);
    const { stdout } = await lab.host.run(["curl", "-sS", `http://${addresses["two"]}:8080/`]);
    assert.match(stdout, /^new 1 /);
    for (const server of servers) assert.deepEqual(await server.refresh(), []);
    for (const server of servers) await server.destroy();
  });
});
