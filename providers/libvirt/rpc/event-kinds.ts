import {
  LIST_MAX,
  domain as dom,
  network as net,
  optionalText,
  storagePool as pool,
  text,
  typedParams,
} from "./wire-types";
import type { Procedure } from "./procedure";
import { connect } from "./procedures-connect";
import { type Fields, type StructOf, type Xdr, hyper, int, size, struct, uint } from "./xdr";

/** One kind of event: how it is asked for and what it says. */
export interface EventKind<Message> {
  /** VIR_DOMAIN_EVENT_ID_*, VIR_NETWORK_EVENT_ID_* or VIR_STORAGE_POOL_EVENT_ID_*. */
  readonly eventId: number;
  /** The number of the packets that carry it. */
  readonly procedure: number;
  readonly message: Xdr<Message & { callbackId: number }>;
  /** With null for the object: events of all of them. */
  readonly register: Procedure<any, { callbackId: number }>;
  readonly deregister: Procedure<{ callbackId: number }, object>;
}

function kinds(
  register: Procedure<any, { callbackId: number }>,
  deregister: Procedure<{ callbackId: number }, object>,
) {
  return <F extends Fields>(eventId: number, procedure: number, fields: F): EventKind<StructOf<F>> => ({
    eventId,
    procedure,
    message: struct({ callbackId: int, ...fields }) as never,
    register,
    deregister,
  });
}

const ofDomain = kinds(connect.connectDomainEventCallbackRegisterAny, connect.connectDomainEventCallbackDeregisterAny);
const ofNetwork = kinds(connect.connectNetworkEventRegisterAny, connect.connectNetworkEventDeregisterAny);
const ofPool = kinds(connect.connectStoragePoolEventRegisterAny, connect.connectStoragePoolEventDeregisterAny);

/** The events that libvirt sends: ids, packet numbers and shapes of its remote_protocol.x. */
export const events = {
  /** `event` is one of VIR_DOMAIN_EVENT_*, `detail` what that one defines. */
  domainLifecycle: ofDomain(0, 318, { dom, event: int, detail: int }),
  domainReboot: ofDomain(1, 319, { dom }),
  domainRTCChange: ofDomain(2, 320, { dom, offset: hyper }),
  domainWatchdog: ofDomain(3, 321, { dom, action: int }),
  domainIOError: ofDomain(6, 324, { dom, srcPath: text, devAlias: text, action: int, reason: text }),
  domainControlError: ofDomain(7, 325, { dom }),
  domainDiskChange: ofDomain(9, 327, {
    dom,
    oldSrcPath: optionalText,
    newSrcPath: optionalText,
    devAlias: text,
    reason: int,
  }),
  domainTrayChange: ofDomain(10, 328, { dom, devAlias: text, reason: int }),
  /** `actual` in KiB. */
  domainBalloonChange: ofDomain(13, 331, { dom, actual: size }),
  domainDeviceRemoved: ofDomain(15, 333, { dom, devAlias: text }),
  /** `dst` is the disk's target, "vda". */
  domainBlockJob: ofDomain(16, 339, { dom, dst: text, type: int, status: int }),
  domainTunable: ofDomain(17, 346, { dom, params: typedParams(LIST_MAX) }),
  /** `state` is one of VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_*. */
  domainAgentLifecycle: ofDomain(18, 348, { dom, state: int, reason: int }),
  domainDeviceAdded: ofDomain(19, 354, { dom, devAlias: text }),
  domainJobCompleted: ofDomain(21, 363, { dom, params: typedParams(LIST_MAX) }),
  domainDeviceRemovalFailed: ofDomain(22, 367, { dom, devAlias: text }),
  domainMetadataChange: ofDomain(23, 379, { dom, type: int, nsuri: optionalText }),
  domainBlockThreshold: ofDomain(24, 385, { dom, dev: text, path: optionalText, threshold: size, excess: size }),
  domainMemoryFailure: ofDomain(25, 423, { dom, recipient: int, action: int, flags: uint }),
  networkLifecycle: ofNetwork(0, 315, { net, event: int, detail: int }),
  storagePoolLifecycle: ofPool(0, 370, { pool, event: int, detail: int }),
  storagePoolRefresh: ofPool(1, 373, { pool }),
};
