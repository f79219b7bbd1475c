import assert from "node:assert/strict";
import { reachable } from "../../../providers/handlers/reachable";
import { ConnectError } from "../../../providers/libvirt/errors";

describe("reachable", () => {
  const log = console.log;
  let said: string[];

  beforeEach(() => {
    said = [];
    console.log = (line: string) => said.push(line);
  });

  afterEach(() => {
    console.log = log;
  });

  it("hands back what can be reached", async () => {
    assert.equal(await reachable(Promise.resolve("connection")), "connection");
    assert.deepEqual(said, []);
  });

  it("asks nothing of a host that cannot be reached, and says so once for all its objects", async () => {
    const down = () => reachable(Promise.reject(new ConnectError("qemu:///system", "libvirtd is not running")));
    assert.deepEqual(await Promise.all([down(), down()]), [undefined, undefined]);
    assert.deepEqual(said, [
      "warning: what depends on the host was not checked: cannot connect to qemu:///system: libvirtd is not running",
    ]);
  });

  it("lets every other failure through", async () => {
    await assert.rejects(reachable(Promise.reject(new Error("refused"))), /refused/);
  });
});
