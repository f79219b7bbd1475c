import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { BootstrapImageArgs, GuestArgs, KvmHostArgs } from "../../components";

/** What `npm run lab -- up` tells of its hosts. */
interface Lab {
  hosts: { [name: string]: { uris: { qemu: string }; machine: NonNullable<KvmHostArgs["machine"]> } };
}

/** How a host of the server room is reached: as the configuration says, else as a host of the lab. */
export function reach(config: pulumi.Config, name: string): Pick<KvmHostArgs, "connection" | "machine"> {
  const uri = config.get(`${name}-connection`);
  if (uri !== undefined) return { connection: { uri } };
  const host = lab(config, config.get("lab") ?? "lab").hosts[name];
  if (!host) throw new pulumi.RunError(`the lab has no host ${name}. Fix: npm run lab -- up --hosts 2`);
  return { connection: { uri: host.uris.qemu }, machine: host.machine };
}

/** Where images are built: a lab's hosts reach no package mirror, and have this machine's folder. */
export function built(config: pulumi.Config, name: string): Pick<BootstrapImageArgs, "shared"> {
  if (config.get(`${name}-connection`) !== undefined) return {};
  return { shared: { machine: { kind: "local" }, directory: "/var/cache/pulumi-kvm-lab" } };
}

/** What the guests are, and their image: containers, or by the setting `guests` virtual machines, which take longer. */
export function guestsOf(
  config: pulumi.Config,
): Pick<GuestArgs, "kind" | "memory" | "ready"> & Pick<BootstrapImageArgs, "format"> {
  const guests = config.get("guests") ?? "containers";
  if (guests === "containers") return { kind: "lxc", format: "directory", memory: "256MiB" };
  // Emulated, and all of them at once, they take minutes to boot.
  const ready = { agent: true, addresses: true, timeout: "15m" };
  if (guests === "vms") return { kind: "qemu", format: "qcow2", memory: "384MiB", ready };
  throw new pulumi.RunError(`${config.name}:guests: got ${JSON.stringify(guests)}. Allowed: "containers" or "vms"`);
}

/** A password of the configuration; on a lab's hosts, which nobody else reaches, there is one without. */
export function password(config: pulumi.Config, name: string): pulumi.Output<string> {
  const own = config.getSecret(name);
  if (own) return own;
  if (config.get("kvm1-connection") === undefined) return pulumi.secret("of-the-lab-only");
  throw new pulumi.RunError(
    `${config.name}:${name} is required. Fix: npm run pulumi -- config set --secret ${config.name}:${name}`,
  );
}

function lab(config: pulumi.Config, name: string): Lab {
  try {
    return JSON.parse(readFileSync(`/run/pulumi-kvm-lab/${name}/lab.json`, "utf8")) as Lab;
  } catch (cause) {
    throw new pulumi.RunError(
      `there is no lab ${JSON.stringify(name)}: ${(cause as Error).message}. Fix: npm run lab -- up, or say where the ` +
        `hosts are: npm run pulumi -- config set ${config.name}:kvm1-connection qemu+ssh://root@kvm1/system`,
    );
  }
}
