import { REMOTE, procedures, read, write } from "./procedure";
import { LIST_MAX, domain, network, optionalText, storagePool, text, typedParams } from "./wire-types";
import { array, bool, chars, flags, int, optional, size, struct, uhyper, uint } from "./xdr";

/** Connections, the host, and events: numbers and shapes of libvirt's remote_protocol.x. */
export const connect = procedures(REMOTE, {
  connectOpen: read(1, { name: optionalText, flags }),
  connectClose: read(2),
  connectGetType: read(3, {}, { type: text }),
  connectGetVersion: read(4, {}, { version: size }),
  connectGetMaxVcpus: read(5, { type: optionalText }, { maxVcpus: int }),
  nodeGetInfo: read(
    6,
    {},
    {
      model: chars({ length: 32 }),
      memory: size,
      cpus: int,
      mhz: int,
      nodes: int,
      sockets: int,
      cores: int,
      threads: int,
    },
  ),
  connectGetCapabilities: read(7, {}, { capabilities: text }),
  connectGetHostname: read(59, {}, { hostname: text }),
  connectSupportsFeature: read(60, { feature: int }, { supported: bool }),
  authList: read(66, {}, { types: array(int, 20) }),
  authPolkit: read(70, {}, { complete: bool }),
  nodeGetFreeMemory: read(102, {}, { freeMemory: size }),
  connectGetUri: read(110, {}, { uri: text }),
  nodeGetSecurityModel: read(122, {}, { model: chars({ max: 257 }), doi: chars({ max: 257 }) }),
  connectGetLibVersion: read(157, {}, { version: size }),
  connectGetSysinfo: read(203, { flags }, { sysinfo: text }),
  nodeGetMemoryStats: read(
    228,
    { nparams: int, cellNum: int, flags },
    { params: array(struct({ field: text, value: uhyper }), 16), nparams: int },
  ),
  connectListAllDomains: read(273, { needResults: bool, flags }, { domains: array(domain, LIST_MAX), count: uint }),
  connectListAllStoragePools: read(
    281,
    { needResults: bool, flags },
    { pools: array(storagePool, LIST_MAX), count: uint },
  ),
  connectListAllNetworks: read(283, { needResults: bool, flags }, { networks: array(network, LIST_MAX), count: uint }),
  connectGetCPUModelNames: read(
    312,
    { arch: text, needResults: bool, flags },
    { models: array(text, 8192), count: int },
  ),
  connectNetworkEventRegisterAny: write(313, { eventId: int, network: optional(network) }, { callbackId: int }),
  connectNetworkEventDeregisterAny: write(314, { callbackId: int }),
  connectDomainEventCallbackRegisterAny: write(316, { eventId: int, domain: optional(domain) }, { callbackId: int }),
  connectDomainEventCallbackDeregisterAny: write(317, { callbackId: int }),
  connectGetDomainCapabilities: read(
    342,
    { emulatorbin: optionalText, arch: optionalText, machine: optionalText, virttype: optionalText, flags },
    { capabilities: text },
  ),
  connectGetAllDomainStats: read(
    344,
    { doms: array(domain, LIST_MAX), stats: flags, flags },
    { records: array(struct({ dom: domain, params: typedParams(262144) }), LIST_MAX) },
  ),
  connectStoragePoolEventRegisterAny: write(368, { eventId: int, pool: optional(storagePool) }, { callbackId: int }),
  connectStoragePoolEventDeregisterAny: write(369, { callbackId: int }),
  connectGetStoragePoolCapabilities: read(403, { flags }, { capabilities: text }),
});
