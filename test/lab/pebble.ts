import { spawnSync } from "node:child_process";
import type { NamespaceMachine } from "../providers/machine/namespace-machine";

const folder = "/root/pebble";

/** The ACME server Pebble on a machine in namespaces, which asks for challenges on the machine itself. */
export class Pebble {
  /** Why there can be none here; undefined when there can. */
  static get obstacle(): string | undefined {
    return spawnSync("pebble", ["-version"]).error ? "needs Pebble, see scripts/setup.sh" : undefined;
  }

  readonly directory = "https://localhost:14000/dir";

  /** @param authority PEM of who vouches for its directory */
  private constructor(readonly authority: string) {}

  /** @param names hosts that are the machine itself */
  static async start(machine: NamespaceMachine, names: readonly string[]): Promise<Pebble> {
    const config = {
      pebble: {
        listenAddress: "127.0.0.1:14000",
        managementListenAddress: "127.0.0.1:15000",
        certificate: `${folder}/crt`,
        privateKey: `${folder}/key`,
        httpPort: 80,
        tlsPort: 443,
        profiles: { default: { description: "as others", validityPeriod: 90 * 24 * 3600 } },
      },
    };
    await machine.run(["mkdir", folder]);
    await machine.write(`${folder}/config`, JSON.stringify(config));
    await machine.write("/etc/hosts", `127.0.0.1 localhost pebble.localhost ${names.join(" ")}\n`);
    await machine.run([
      ...[
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ],
      ...[
        "-subj",
        "/CN=pebble",
        "-addext",
        "subjectAltName=DNS:localhost,DNS:pebble.localhost",
        "-keyout",
        `${folder}/key`,
        "-out",
        `${folder}/crt`,
      ],
    ]);
    machine.spawn(["env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "pebble", "-config", `${folder}/config`]);
    const pebble = new Pebble(machine.say("cat", `${folder}/crt`));
    const ready = `until curl -s -o /dev/null --cacert ${folder}/crt ${pebble.directory}; do sleep 0.1; done`;
    await machine.run(["sh", "-c", ready], { timeout: 30_000 });
    return pebble;
  }

  /** PEM of who vouches for what it issues. */
  async root(machine: NamespaceMachine): Promise<string> {
    const { stdout } = await machine.run(["curl", "-sS", "-k", "https://127.0.0.1:15000/roots/0"]);
    return stdout;
  }
}
