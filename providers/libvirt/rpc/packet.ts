import { ProtocolError } from "../errors";

/** virNetMessageType */
export const PacketType = {
  CALL: 0,
  REPLY: 1,
  EVENT: 2,
  STREAM: 3,
  CALL_WITH_FDS: 4,
  REPLY_WITH_FDS: 5,
  STREAM_HOLE: 6,
} as const;
/** virNetMessageStatus */
export const PacketStatus = { OK: 0, ERROR: 1, CONTINUE: 2 } as const;

/** The length word and the six words of virNetMessageHeader. */
export const HEADER_LENGTH = 28;
/** VIR_NET_MESSAGE_MAX and the length word, which it does not count. */
export const PACKET_MAX = 33554432 + 4;
/** The most data that every libvirt takes in one stream packet (VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX). */
export const STREAM_CHUNK = 262120;

export interface PacketHeader {
  program: number;
  version: number;
  procedure: number;
  type: number;
  serial: number;
  status: number;
}

export interface Packet extends PacketHeader {
  /** A view of received memory: decode it before the next turn of the event loop, or copy it. */
  payload: Buffer;
}

/** The packet's length word and header; the payload follows as it is. */
export function packetHead(header: PacketHeader, payloadLength: number): Buffer {
  const length = HEADER_LENGTH + payloadLength;
  if (length > PACKET_MAX)
    throw new ProtocolError(`a packet of ${length} bytes is over libvirt's limit of ${PACKET_MAX}`);
  const head = Buffer.allocUnsafe(HEADER_LENGTH);
  head.writeUInt32BE(length, 0);
  head.writeUInt32BE(header.program, 4);
  head.writeUInt32BE(header.version, 8);
  head.writeInt32BE(header.procedure, 12);
  head.writeInt32BE(header.type, 16);
  head.writeUInt32BE(header.serial, 20);
  head.writeInt32BE(header.status, 24);
  return head;
}

/** One contiguous packet. */
export function packetBytes(header: PacketHeader, payload: Uint8Array): Buffer {
  return Buffer.concat([packetHead(header, payload.length), payload]);
}
