import { REMOTE, procedures, read, write } from "./procedure";
import { network, optionalText, text, uuid } from "./wire-types";
import { array, bool, flags, hyper, int, struct, uint } from "./xdr";

export const dhcpLease = struct({
  iface: text,
  expirytime: hyper,
  type: int,
  mac: optionalText,
  iaid: optionalText,
  ipaddr: text,
  prefix: uint,
  hostname: optionalText,
  clientid: optionalText,
});

/** Virtual networks: numbers and shapes of libvirt's remote_protocol.x. */
export const networks = procedures(REMOTE, {
  networkCreate: write(39, { net: network }),
  networkCreateXML: write(40, { xml: text }, { net: network }),
  networkDefineXML: write(41, { xml: text }, { net: network }),
  networkDestroy: write(42, { net: network }),
  networkGetXMLDesc: read(43, { net: network, flags }, { xml: text }),
  networkGetAutostart: read(44, { net: network }, { autostart: bool }),
  networkGetBridgeName: read(45, { net: network }, { name: text }),
  networkLookupByName: read(46, { name: text }, { net: network }),
  networkLookupByUUID: read(47, { uuid }, { net: network }),
  networkSetAutostart: write(48, { net: network, autostart: bool }),
  networkUndefine: write(49, { net: network }),
  networkIsActive: read(152, { net: network }, { active: bool }),
  networkIsPersistent: read(153, { net: network }, { persistent: bool }),
  networkUpdate: write(291, { net: network, command: uint, section: uint, parentIndex: int, xml: text, flags }),
  networkGetDHCPLeases: read(
    341,
    { net: network, mac: optionalText, needResults: bool, flags },
    { leases: array(dhcpLease, 65536), count: uint },
  ),
  networkDefineXMLFlags: write(432, { xml: text, flags }, { net: network }),
  networkCreateXMLFlags: write(437, { xml: text, flags }, { net: network }),
});
