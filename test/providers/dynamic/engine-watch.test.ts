import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { watchEngine } from "../../../providers/dynamic/engine-watch";

describe("watchEngine", () => {
  let engine: Server;
  let address: string;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    engine = createServer((socket) => {
      sockets.add(socket);
      socket.write("hello");
    });
    engine.listen(0, "127.0.0.1");
    await once(engine, "listening");
    address = `127.0.0.1:${(engine.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    engine.close();
  });

  it("tells when the engine has ended", async () => {
    const gone = new Promise<void>((resolve) => watchEngine(resolve, address));
    await once(engine, "connection");
    engine.close();
    for (const socket of sockets) socket.destroy();
    await gone;
  });

  it("comes back to an engine that only ends the connection", async () => {
    let gone = false;
    watchEngine(() => (gone = true), address);
    const [first] = (await once(engine, "connection")) as [Socket];
    first.destroy();
    await once(engine, "connection");
    assert.equal(gone, false);
  });

  it("watches nothing where there is no engine", () => {
    for (const none of ["", "test/some.test.ts", "example.org:80"]) watchEngine(() => assert.fail(), none);
  });
});
