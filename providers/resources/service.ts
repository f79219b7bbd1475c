import * as pulumi from "@pulumi/pulumi";
import { Resource } from "../dynamic/resource";
import type { MachineSpec } from "../machine/machine";
import { onMachine, type MachineArg } from "./on-machine";

export interface ServiceArgs {
  /** Where: a guest, a host, or `{ kind: "local" }`. What is in a guest goes with it when the guest is deleted. */
  machine: MachineArg;
  /** As its manager calls it: "nginx". With systemd any unit: "backup.timer". Default: the resource's name. */
  name?: pulumi.Input<string>;
  /** Default "running". */
  state?: pulumi.Input<"running" | "stopped">;
  /** Whether it starts at boot. Default: as `state`. */
  enabled?: pulumi.Input<boolean>;
  /** Any values; when one changes, the service is restarted, e.g. the `revision` of a `File` it reads at its start. */
  restartOn?: pulumi.Input<pulumi.Input<unknown>[]>;
  /** As `restartOn`, but reloads; a service that cannot is restarted. */
  reloadOn?: pulumi.Input<pulumi.Input<unknown>[]>;
  /** How long it may take until it runs. Default "90s". */
  timeout?: pulumi.Input<string>;
}

/**
 * A service on a machine: systemd, OpenRC, or an init script where neither runs. It is up when its manager calls it
 * active; where that fails, the error shows the last lines it logged. On delete it is what it was before.
 *
 * @example
 * const conf = new File("conf", { machine, path: "/etc/nginx/conf.d/site.conf", content: "..." });
 * new Service("nginx", { machine, reloadOn: [conf.revision] });
 */
export class Service extends Resource {
  declare readonly machine: pulumi.Output<MachineSpec>;
  declare readonly name: pulumi.Output<string>;
  declare readonly state: pulumi.Output<"running" | "stopped">;
  /** What looks after it: "systemd", "OpenRC", "SysV init". */
  declare readonly manager: pulumi.Output<string>;

  constructor(name: string, args: ServiceArgs, opts?: pulumi.CustomResourceOptions) {
    const state = args.state ?? "running";
    const enabled = args.enabled ?? pulumi.output(state).apply((wanted) => wanted === "running");
    const place = onMachine(args.machine, opts);
    super(
      "Service",
      name,
      { ...args, machine: place.machine, name: args.name ?? name, state, enabled },
      ["manager"],
      place.opts,
    );
  }
}
