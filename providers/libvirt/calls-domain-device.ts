import { DomainCalls, type DomainBlockInfo } from "./calls-domain";
import { VIR_TYPED_PARAM_LLONG, VIR_TYPED_PARAM_ULLONG } from "./constants";
import type { Domain } from "./handles";
import { domains } from "./rpc/procedures-domain";
import { qemu } from "./rpc/procedures-qemu";

/** Guests: memory, vcpus, devices and what runs inside. Methods are libvirt's C functions without `vir`. */
export abstract class DomainDeviceCalls extends DomainCalls {
  /** KiB */
  domainSetMemoryFlags(dom: Domain, memory: number, flags: number): Promise<void> {
    return this.run(domains.domainSetMemoryFlags, { dom, memory, flags });
  }

  /** KiB by name: "hard_limit", "soft_limit", "swap_hard_limit". */
  domainSetMemoryParameters(dom: Domain, limits: { [name: string]: number }, flags: number): Promise<void> {
    const params = Object.entries(limits).map(([field, kib]) => ({ field, value: unsigned(kib) }));
    return this.run(domains.domainSetMemoryParameters, { dom, params, flags });
  }

  /** By name: "cpu_shares", "vcpu_period" and "vcpu_quota" in microseconds, of which -1 is no limit. */
  domainSetSchedulerParametersFlags(dom: Domain, tuned: { [name: string]: number }, flags: number): Promise<void> {
    const params = Object.entries(tuned).map(([field, value]) => ({
      field,
      value:
        field === "vcpu_quota" ? ({ type: VIR_TYPED_PARAM_LLONG, value: BigInt(value) } as const) : unsigned(value),
    }));
    return this.run(domains.domainSetSchedulerParametersFlags, { dom, params, flags });
  }

  /** KiB */
  domainGetMaxMemory(dom: Domain): Promise<number> {
    return this.pick("memory", domains.domainGetMaxMemory, { dom });
  }

  domainSetVcpusFlags(dom: Domain, nvcpus: number, flags: number): Promise<void> {
    return this.run(domains.domainSetVcpusFlags, { dom, nvcpus, flags });
  }

  domainGetVcpusFlags(dom: Domain, flags: number): Promise<number> {
    return this.pick("num", domains.domainGetVcpusFlags, { dom, flags });
  }

  domainAttachDeviceFlags(dom: Domain, xml: string, flags: number): Promise<void> {
    return this.run(domains.domainAttachDeviceFlags, { dom, xml, flags });
  }

  /** The device is gone only when the device-removed event says so. */
  domainDetachDeviceFlags(dom: Domain, xml: string, flags: number): Promise<void> {
    return this.run(domains.domainDetachDeviceFlags, { dom, xml, flags });
  }

  domainDetachDeviceAlias(dom: Domain, alias: string, flags: number): Promise<void> {
    return this.run(domains.domainDetachDeviceAlias, { dom, alias, flags });
  }

  domainUpdateDeviceFlags(dom: Domain, xml: string, flags: number): Promise<void> {
    return this.run(domains.domainUpdateDeviceFlags, { dom, xml, flags });
  }

  /** KiB, or bytes with VIR_DOMAIN_BLOCK_RESIZE_BYTES. `disk` is a target ("vda") or a path. */
  domainBlockResize(dom: Domain, disk: string, size: number, flags = 0): Promise<void> {
    return this.run(domains.domainBlockResize, { dom, disk, size, flags });
  }

  /** libvirt's virDomainGetBlockInfo. */
  domainBlockInfo(dom: Domain, path: string, flags = 0): Promise<DomainBlockInfo> {
    return this.call(domains.domainGetBlockInfo, { dom, path, flags });
  }

  /**
   * One command to the guest agent, as JSON. `timeout` in seconds, or VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK, _DEFAULT,
   * _NOWAIT. Rejects with AGENT_UNRESPONSIVE when no agent answers.
   */
  async domainQemuAgentCommand(dom: Domain, cmd: string, timeout: number, flags = 0): Promise<string> {
    return (await this.pick("result", qemu.domainQemuAgentCommand, { dom, cmd, timeout, flags })) ?? "";
  }

  /** One command to QEMU's monitor: QMP JSON, or with VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP a line of text. Taints the guest. */
  domainQemuMonitorCommand(dom: Domain, cmd: string, flags = 0): Promise<string> {
    return this.pick("result", qemu.domainQemuMonitorCommand, { dom, cmd, flags });
  }

  /** Seconds that libvirt's own agent calls wait for the agent, or VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_*. */
  domainAgentSetResponseTimeout(dom: Domain, timeout: number, flags = 0): Promise<number> {
    return this.pick("result", domains.domainAgentSetResponseTimeout, { dom, timeout, flags });
  }

  /** Freezes the guest's file systems through the agent; how many. None named: all. */
  domainFSFreeze(dom: Domain, mountpoints: string[] = [], flags = 0): Promise<number> {
    return this.pick("filesystems", domains.domainFSFreeze, { dom, mountpoints, flags });
  }

  domainFSThaw(dom: Domain, mountpoints: string[] = [], flags = 0): Promise<number> {
    return this.pick("filesystems", domains.domainFSThaw, { dom, mountpoints, flags });
  }

  /** The guest's clock: seconds since 1970. */
  async domainGetTime(dom: Domain, flags = 0): Promise<number> {
    return Number(await this.pick("seconds", domains.domainGetTime, { dom, flags }));
  }
}

function unsigned(value: number) {
  return { type: VIR_TYPED_PARAM_ULLONG, value: BigInt(value) } as const;
}
