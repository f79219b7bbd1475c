import { events } from "../../../providers/libvirt/connection";
import {
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_EVENT_STARTED,
  VIR_DOMAIN_EVENT_STOPPED,
  VIR_DOMAIN_METADATA_TITLE,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_RUNNING,
  VIR_DOMAIN_SHUTOFF,
  VIR_DOMAIN_START_PAUSED,
  VIR_DOMAIN_XML_INACTIVE,
} from "../../../providers/libvirt/constants";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import { connect } from "../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../providers/libvirt/rpc/procedures-domain";
import { networks } from "../../../providers/libvirt/rpc/procedures-network";
import {
  child,
  children,
  element,
  parse,
  replaceChild,
  serialize,
  text,
} from "../../../providers/libvirt/xml/document";
import { adopt } from "../../../providers/libvirt/xml/edit";
import { nicsByMac, parseNic } from "../../../providers/libvirt/xml/domain-nic";
import { FakeLibvirtd } from "../libvirt/fake-libvirtd";

export interface FakeGuest {
  name: string;
  uuid: string;
  config: string;
  live?: string;
  state: number;
  autostart: boolean;
  persistent: boolean;
}

export function libvirtError(code: number, message: string): LibvirtError {
  return new LibvirtError(message, { code });
}

/** A scripted libvirtd that keeps guests as the real one does, without running any. */
export class FakeGuests {
  readonly guests = new Map<string, FakeGuest>();
  /** Thrown by the named call, once for each entry. */
  readonly failures = new Map<string, Error[]>();
  /** Whether guests shut down when they are asked, and let go of devices. */
  obedient = true;

  private constructor(readonly fake: FakeLibvirtd) {
    const host = { cpus: 2, mhz: 2000, nodes: 1, sockets: 1, cores: 2, threads: 1 };
    fake.reply(connect.nodeGetInfo, () => ({ model: "x86_64", memory: 8 * 1024 * 1024, ...host }));
    fake.reply(connect.connectListAllDomains, () => {
      const domains = [...this.guests.values()].map((guest) => this.handle(guest));
      return { domains, count: domains.length };
    });
    this.definitions();
    this.power();
    this.devices();
  }

  static async start(): Promise<FakeGuests> {
    return new FakeGuests(await FakeLibvirtd.start());
  }

  get uri(): string {
    return this.fake.uri;
  }

  named(name: string): FakeGuest {
    const guest = [...this.guests.values()].find((one) => one.name === name);
    if (!guest) throw libvirtError(ErrorCode.NO_DOMAIN, "Domain not found");
    return guest;
  }

  stop(guest: FakeGuest): void {
    guest.state = VIR_DOMAIN_SHUTOFF;
    guest.live = undefined;
    if (!guest.persistent) this.guests.delete(guest.uuid);
    this.tell(guest, VIR_DOMAIN_EVENT_STOPPED);
  }

  private tell(guest: FakeGuest, event: number): void {
    this.fake.emit(events.domainLifecycle, { dom: this.handle(guest), event, detail: 0 });
  }

  private handle({ name, uuid, state }: FakeGuest) {
    return { name, uuid, id: state === VIR_DOMAIN_SHUTOFF ? -1 : 1 };
  }

  private guest({ uuid }: { uuid: string }): FakeGuest {
    const guest = this.guests.get(uuid);
    if (!guest) throw libvirtError(ErrorCode.NO_DOMAIN, "Domain not found");
    return guest;
  }

  /** Scripts a call that fails first where the test says so. */
  private on<Args, Result>(name: keyof typeof domains, handler: (args: Args) => Result): void {
    this.fake.reply(
      domains[name] as never,
      ((args: Args) => {
        const failure = this.failures.get(name)?.shift();
        if (failure) throw failure;
        return handler(args);
      }) as never,
    );
  }

  private definitions(): void {
    this.on("domainDefineXMLFlags", ({ xml }: { xml: string }) => {
      const root = parse(xml);
      const [name, uuid] = [text(root, "name")!, text(root, "uuid")!];
      const other = [...this.guests.values()].find((guest) => guest.name === name && guest.uuid !== uuid);
      if (other) throw libvirtError(ErrorCode.OPERATION_FAILED, `domain '${name}' already exists`);
      const known = this.guests.get(uuid) ?? { name, uuid, state: VIR_DOMAIN_SHUTOFF, autostart: false };
      const guest = { ...known, config: xml, persistent: true };
      this.guests.set(uuid, guest);
      return { dom: this.handle(guest) };
    });
    this.on("domainUndefineFlags", ({ dom }: { dom: FakeGuest }) => {
      const guest = this.guest(dom);
      if (guest.live === undefined) this.guests.delete(guest.uuid);
      guest.persistent = false;
      return {};
    });
    const anyUuid = "5d5cf4ac-0000-4000-8000-000000000000";
    this.fake.reply(networks.networkLookupByName, ({ name }) => ({ net: { name, uuid: anyUuid } }));
    this.on("domainLookupByName", ({ name }: { name: string }) => ({ dom: this.handle(this.named(name)) }));
    this.on("domainLookupByUUID", (args: { uuid: string }) => ({ dom: this.handle(this.guest(args)) }));
    this.on("domainGetXMLDesc", ({ dom, flags }: { dom: FakeGuest; flags: number }) => {
      const { config, live } = this.guest(dom);
      return { xml: (flags & VIR_DOMAIN_XML_INACTIVE) !== 0 ? config : (live ?? config) };
    });
    this.on("domainGetAutostart", ({ dom }: { dom: FakeGuest }) => ({ autostart: this.guest(dom).autostart }));
    this.on("domainIsPersistent", ({ dom }: { dom: FakeGuest }) => ({ persistent: this.guest(dom).persistent }));
    this.on("domainSetAutostart", ({ dom, autostart }: { dom: FakeGuest; autostart: boolean }) => {
      this.guest(dom).autostart = autostart;
      return {};
    });
    this.on("domainRename", ({ dom, newName }: { dom: FakeGuest; newName: string | null }) => {
      const guest = this.guest(dom);
      guest.name = newName!;
      this.edit(guest, VIR_DOMAIN_AFFECT_CONFIG, (root) => replaceChild(root, "name", element("name", {}, newName!)));
      return { retcode: 0 };
    });
  }

  private power(): void {
    this.on("domainGetState", ({ dom }: { dom: FakeGuest }) => ({ state: this.guest(dom).state, reason: 0 }));
    this.on("domainCreateWithFlags", ({ dom, flags }: { dom: FakeGuest; flags: number }) => {
      const guest = this.guest(dom);
      guest.state = (flags & VIR_DOMAIN_START_PAUSED) !== 0 ? VIR_DOMAIN_PAUSED : VIR_DOMAIN_RUNNING;
      guest.live = guest.config;
      this.tell(guest, VIR_DOMAIN_EVENT_STARTED);
      return { dom: this.handle(guest) };
    });
    this.on("domainDestroyFlags", ({ dom }: { dom: FakeGuest }) => {
      const guest = this.guest(dom);
      if (guest.live === undefined) throw libvirtError(ErrorCode.OPERATION_INVALID, "domain is not running");
      this.stop(guest);
      return {};
    });
    this.on("domainShutdown", ({ dom }: { dom: FakeGuest }) => {
      if (this.obedient) this.stop(this.guest(dom));
      return {};
    });
    for (const [call, state] of [
      ["domainSuspend", VIR_DOMAIN_PAUSED],
      ["domainResume", VIR_DOMAIN_RUNNING],
    ] as const)
      this.on(call, ({ dom }: { dom: FakeGuest }) => {
        this.guest(dom).state = state;
        return {};
      });
  }

  private devices(): void {
    this.on("domainSetMemoryFlags", ({ dom, memory }: { dom: FakeGuest; memory: number }) => {
      this.edit(this.guest(dom), VIR_DOMAIN_AFFECT_LIVE, (root) =>
        replaceChild(root, "currentMemory", element("currentMemory", {}, memory)),
      );
      return {};
    });
    this.on(
      "domainSetMetadata",
      ({ dom, type, metadata }: { dom: FakeGuest; type: number; metadata: string | null }) => {
        const name = type === VIR_DOMAIN_METADATA_TITLE ? "title" : "description";
        this.edit(this.guest(dom), VIR_DOMAIN_AFFECT_LIVE, (root) =>
          replaceChild(root, name, metadata === null ? undefined : element(name, {}, metadata)),
        );
        return {};
      },
    );
    this.on("domainAttachDeviceFlags", ({ dom, xml, flags }: { dom: FakeGuest; xml: string; flags: number }) => {
      this.edit(this.guest(dom), flags, (root) => adopt(child(root, "devices")!, parse(xml)));
      return {};
    });
    this.on("domainDetachDeviceFlags", ({ dom, xml, flags }: { dom: FakeGuest; xml: string; flags: number }) => {
      const { mac } = parseNic(parse(xml))!;
      if (this.obedient)
        this.edit(this.guest(dom), flags, (root) => {
          const devices = child(root, "devices")!;
          devices.removeChild(nicsByMac(devices).get(mac)!);
        });
      else this.fake.emit(events.domainDeviceRemovalFailed, { dom: this.handle(this.guest(dom)), devAlias: "net0" });
      return {};
    });
    this.on("domainUpdateDeviceFlags", ({ dom, xml, flags }: { dom: FakeGuest; xml: string; flags: number }) => {
      const made = parse(xml);
      this.edit(this.guest(dom), flags, (root) => {
        const devices = child(root, "devices")!;
        const old = nicsByMac(devices).get(parseNic(made)!.mac)!;
        devices.replaceChild(devices.ownerDocument!.importNode(made, true), old);
      });
      return {};
    });
  }

  private edit(guest: FakeGuest, flags: number, change: (root: ReturnType<typeof parse>) => void): void {
    const edited = (xml: string) => {
      const root = parse(xml);
      change(root);
      return serialize(root);
    };
    if ((flags & VIR_DOMAIN_AFFECT_CONFIG) !== 0) guest.config = edited(guest.config);
    if ((flags & VIR_DOMAIN_AFFECT_LIVE) !== 0 && guest.live !== undefined) guest.live = edited(guest.live);
  }
}

/** The NICs of a document. */
export function nicsIn(xml: string) {
  return children(child(parse(xml), "devices"), "interface").map((at) => parseNic(at)!);
}
