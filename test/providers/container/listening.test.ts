import assert from "node:assert/strict";
import { listens } from "../../../providers/container/listening";

/** Lines of /proc/net/tcp and tcp6 of a little-endian machine. */
const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const line = (local: string, state: string) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 0 0 0 1`;
const tables = [
  header,
  line("00000000:0050", "0A"), // 0.0.0.0:80
  line("0100007F:0019", "0A"), // 127.0.0.1:25
  line("02AAA8C0:01BB", "0A"), // 192.168.170.2:443
  line("02AAA8C0:1F90", "01"), // 192.168.170.2:8080, connected
  header,
  line("00000000000000000000000000000000:1538", "0A"), // [::]:5432
  line("700100FD000000000000000001000000:0035", "0A"), // [fd00:170::1]:53
].join("\n");

describe("what a container listens on", () => {
  it("is told by the kernel's tables", () => {
    const address = ["192.168.170.2"];
    assert.deepEqual(
      [80, 443, 5432].map((port) => listens(tables, port, address)),
      [true, true, true],
    );
    assert.equal(listens(tables, 53, ["fd00:170::1"]), true);
    assert.equal(listens(tables, 53, ["fd00:0170:0::1"]), true);
  });

  it("is nothing where only itself is served, or a connection has the port", () => {
    assert.deepEqual(
      [25, 8080, 81].map((port) => listens(tables, port, ["192.168.170.2"])),
      [false, false, false],
    );
    assert.equal(listens(tables, 443, ["192.168.170.3"]), false);
    assert.equal(listens(tables, 53, ["fd00:170::2"]), false);
  });
});
