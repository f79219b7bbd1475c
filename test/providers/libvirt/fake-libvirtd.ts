import { mkdtempSync, rmSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrorCode, LibvirtError } from "../../../providers/libvirt/errors";
import type { EventKind } from "../../../providers/libvirt/rpc/event-kinds";
import { KEEPALIVE, type Procedure } from "../../../providers/libvirt/rpc/procedure";
import { type Packet, PacketStatus, PacketType, packetBytes } from "../../../providers/libvirt/rpc/packet";
import { PacketParser } from "../../../providers/libvirt/rpc/packet-parser";
import { connect } from "../../../providers/libvirt/rpc/procedures-connect";
import { remoteError } from "../../../providers/libvirt/rpc/wire-types";
import { decode, encode } from "../../../providers/libvirt/rpc/xdr";

/** One client's side of the fake, for tests that write packets or bytes of their own. */
export interface FakeClient {
  socket: Socket;
  /** Who gets the stream packets of which call. */
  streams: Map<number, (packet: Packet) => void>;
  /** Answers `packet` as libvirtd would. */
  answer(packet: Packet, status: number, payload: Uint8Array, type?: number): void;
}

type Handler = (client: FakeClient, packet: Packet) => void | Promise<void>;

/**
 * A libvirtd that answers as the test says, over the real protocol on a unix socket of its own. What was not scripted
 * is answered with NO_SUPPORT.
 *
 * @example
 * const fake = await FakeLibvirtd.start();
 * fake.reply(domains.domainLookupByName, ({ name }) => ({ dom: { name, uuid: "...", id: -1 } }));
 * const connection = await open(fake.uri);
 * // ...
 * await fake.stop();
 */
export class FakeLibvirtd {
  /** Every call that came, except those that make and keep a connection. */
  readonly calls: { name: string; args: any }[] = [];
  /** Clients that are connected now. */
  readonly clients = new Set<Socket>();
  /** Pings that were sent and answered are counted here. */
  pongs = 0;
  /** The registered event kinds by callback id. */
  readonly registered = new Map<number, { eventId: number; client: FakeClient }>();

  private readonly handlers = new Map<string, Handler>();
  private callbackId = 0;

  private constructor(
    private readonly folder: string,
    private server: Server,
  ) {
    this.silently(connect.authList, () => ({ types: [0] }));
    this.silently(connect.connectSupportsFeature, () => ({ supported: true }));
    this.silently(connect.connectOpen, () => ({}));
    for (const register of [
      connect.connectDomainEventCallbackRegisterAny,
      connect.connectNetworkEventRegisterAny,
      connect.connectStoragePoolEventRegisterAny,
    ] as Procedure<{ eventId: number }, { callbackId: number }>[]) {
      this.silently(register, ({ eventId }, client) => {
        this.registered.set(++this.callbackId, { eventId, client });
        return { callbackId: this.callbackId };
      });
    }
    for (const deregister of [
      connect.connectDomainEventCallbackDeregisterAny,
      connect.connectNetworkEventDeregisterAny,
      connect.connectStoragePoolEventDeregisterAny,
    ]) {
      this.silently(deregister, ({ callbackId }) => {
        this.registered.delete(callbackId);
        return {};
      });
    }
  }

  static async start(): Promise<FakeLibvirtd> {
    const fake = new FakeLibvirtd(mkdtempSync(join(tmpdir(), "fake-libvirtd-")), createServer());
    await fake.listen();
    return fake;
  }

  get socketPath(): string {
    return join(this.folder, "sock");
  }

  get uri(): string {
    return `qemu:///system?socket=${this.socketPath}`;
  }

  /** Scripts a procedure: what `handler` returns is the reply; what it throws (a LibvirtError) is the error. */
  reply<Args, Result>(procedure: Procedure<Args, Result>, handler: (args: Args) => Result | Promise<Result>): this {
    return this.silently(procedure, (args) => {
      this.calls.push({ name: procedure.name, args });
      return handler(args);
    });
  }

  /** Scripts a procedure with a handler that writes its own packets. */
  raw(procedure: Procedure<any, any>, handler: Handler): this {
    this.handlers.set(`${procedure.program.number}:${procedure.number}`, handler);
    return this;
  }

  /** Scripts an upload: `handler` is called with the arguments and everything that was sent; holes are zeros. */
  receive<Args>(procedure: Procedure<Args, any>, handler: (args: Args, data: Buffer) => void): this {
    return this.raw(procedure, (client, call) => {
      const args = decode(procedure.args, call.payload);
      const parts: Buffer[] = [];
      this.calls.push({ name: procedure.name, args });
      this.onStream(client, call, (packet) => {
        if (packet.type === PacketType.STREAM_HOLE) {
          parts.push(Buffer.alloc(Number(packet.payload.readBigInt64BE(0))));
        } else if (packet.status === PacketStatus.CONTINUE) {
          parts.push(Buffer.from(packet.payload));
        } else {
          if (packet.status === PacketStatus.OK) handler(args, Buffer.concat(parts));
          client.answer(packet, PacketStatus.OK, Buffer.alloc(0), PacketType.STREAM);
        }
      });
      client.answer(call, PacketStatus.OK, Buffer.alloc(0));
    });
  }

  /** Scripts a download: `handler` gives the data. */
  send<Args>(procedure: Procedure<Args, any>, handler: (args: Args) => Buffer): this {
    return this.raw(procedure, (client, call) => {
      const args = decode(procedure.args, call.payload);
      const data = handler(args);
      this.calls.push({ name: procedure.name, args });
      this.onStream(client, call, (packet) =>
        client.answer(packet, PacketStatus.OK, Buffer.alloc(0), PacketType.STREAM),
      );
      client.answer(call, PacketStatus.OK, Buffer.alloc(0));
      for (let start = 0; start < data.length; start += 65536) {
        client.answer(call, PacketStatus.CONTINUE, data.subarray(start, start + 65536), PacketType.STREAM);
      }
      client.answer(call, PacketStatus.CONTINUE, Buffer.alloc(0), PacketType.STREAM);
    });
  }

  /** Sends an event to every client that registered for its kind. */
  emit<Message>(kind: EventKind<Message>, message: Message): void {
    for (const [callbackId, { eventId, client }] of this.registered) {
      if (eventId !== kind.eventId) continue;
      const head = { program: 0x20008086, version: 1, procedure: kind.procedure, type: PacketType.EVENT };
      const payload = encode(kind.message, { ...message, callbackId });
      client.socket.write(packetBytes({ ...head, serial: 0, status: PacketStatus.OK }, payload));
    }
  }

  /** The names of the calls that came. */
  get called(): string[] {
    return this.calls.map(({ name }) => name);
  }

  /** Drops all clients, as a daemon that is killed. */
  hangUp(): void {
    for (const client of this.clients) client.destroy();
  }

  /** Stops answering on the socket until `listen`. */
  async stopListening(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async listen(): Promise<void> {
    this.server = createServer((socket) => this.serve(socket));
    await new Promise<void>((resolve) => this.server.listen(this.socketPath, resolve));
  }

  async stop(): Promise<void> {
    await this.stopListening();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private onStream(client: FakeClient, call: Packet, handler: (packet: Packet) => void): void {
    client.streams.set(call.serial, handler);
  }

  private silently<Args, Result>(
    procedure: Procedure<Args, Result>,
    handler: (args: Args, client: FakeClient) => Result | Promise<Result>,
  ): this {
    return this.raw(procedure, async (client, packet) => {
      try {
        const result = await handler(decode(procedure.args, packet.payload), client);
        client.answer(packet, PacketStatus.OK, encode(procedure.result, result));
      } catch (error) {
        client.answer(packet, PacketStatus.ERROR, errorPayload(error as Error));
      }
    });
  }

  private serve(socket: Socket): void {
    const parser = new PacketParser();
    const client: FakeClient = {
      socket,
      streams: new Map(),
      answer: (packet, status, payload, type = PacketType.REPLY) => {
        const { program, version, procedure, serial } = packet;
        socket.write(packetBytes({ program, version, procedure, type, serial, status }, payload));
      },
    };
    this.clients.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.clients.delete(socket);
      for (const [id, entry] of this.registered) if (entry.client === client) this.registered.delete(id);
    });
    socket.on("data", (chunk) => {
      for (const packet of parser.push(chunk)) this.handle(client, packet);
    });
  }

  private handle(client: FakeClient, packet: Packet): void {
    if (packet.program === KEEPALIVE.number) {
      if (packet.procedure === 2) this.pongs++;
      return;
    }
    if (packet.type !== PacketType.CALL) {
      return client.streams.get(packet.serial)?.(packet);
    }
    const handler = this.handlers.get(`${packet.program}:${packet.procedure}`);
    if (handler) return void handler(client, packet);
    const error = new LibvirtError(`procedure ${packet.procedure} is not scripted`, { code: ErrorCode.NO_SUPPORT });
    client.answer(packet, PacketStatus.ERROR, errorPayload(error));
  }
}

function errorPayload(error: Error): Buffer {
  const { code = ErrorCode.INTERNAL_ERROR, domain = 0, level = 2 } = error as Partial<LibvirtError>;
  const none = { dom: null, str1: null, str2: null, str3: null, int1: 0, int2: 0, net: null };
  return encode(remoteError, { code: Number(code), domain, level, message: error.message, ...none });
}
