import assert from "node:assert/strict";
import fc from "fast-check";
import { connect } from "../../../../providers/libvirt/rpc/procedures-connect";
import { domains } from "../../../../providers/libvirt/rpc/procedures-domain";
import { domain, typedParam, uuid } from "../../../../providers/libvirt/rpc/wire-types";
import * as xdr from "../../../../providers/libvirt/rpc/xdr";
import { XdrError } from "../../../../providers/libvirt/rpc/xdr-error";

/** Plain objects, as decoding makes them. */
const plain = { noNullPrototype: true };
const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));

function roundTrips<T>(name: string, type: xdr.Xdr<T>, values: fc.Arbitrary<T>): void {
  it(`${name} comes back as it went, in whole units of four bytes`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = xdr.encode(type, value);
        assert.equal(bytes.length % 4, 0);
        assert.deepEqual(xdr.decode(type, bytes), value);
      }),
    );
  });
}

function throwsAt(path: string, run: () => unknown, reason?: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof XdrError && error.path === path && (reason?.test(error.reason) ?? true),
  );
}

describe("XDR", () => {
  roundTrips("int", xdr.int, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  roundTrips("uint", xdr.uint, fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  roundTrips("bool", xdr.bool, fc.boolean());
  roundTrips("hyper", xdr.hyper, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  roundTrips("unsigned hyper", xdr.uhyper, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  roundTrips("size", xdr.size, fc.maxSafeNat());
  roundTrips("double", xdr.double, fc.double({ noNaN: true }));
  roundTrips("string", xdr.string(4096), text);
  roundTrips("optional string", xdr.optional(xdr.string(4096)), fc.option(text));
  roundTrips(
    "opaque",
    xdr.mapped(
      xdr.opaque(4096),
      (hex: string) => Buffer.from(hex, "hex"),
      (bytes) => Buffer.from(bytes).toString("hex"),
    ),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("hex")),
  );
  roundTrips("array", xdr.array(xdr.string(4096), 100), fc.array(text, { maxLength: 100 }));
  roundTrips(
    "counted characters",
    xdr.chars({ max: 257 }),
    fc.string({ maxLength: 80 }).filter((value) => !value.includes("\0")),
  );
  roundTrips("fixed characters", xdr.chars({ length: 32 }), fc.stringMatching(/^[a-z0-9_]{0,32}$/));
  roundTrips("UUID", uuid, fc.uuid());
  roundTrips(
    "domain",
    domain,
    fc.record({ name: text, uuid: fc.uuid(), id: fc.integer({ min: -1, max: 99999 }) }, plain),
  );
  roundTrips(
    "typed parameter",
    typedParam,
    fc.record(
      {
        field: text,
        value: fc.oneof(
          fc.record({ type: fc.constant(1 as const), value: fc.integer() }, plain),
          fc.record({ type: fc.constant(4 as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }, plain),
          fc.record({ type: fc.constant(5 as const), value: fc.double({ noNaN: true }) }, plain),
          fc.record({ type: fc.constant(7 as const), value: text }, plain),
        ),
      },
      plain,
    ),
  );

  it("writes the bytes that RFC 4506 shows", () => {
    assert.equal(xdr.encode(xdr.string(10), "silly").toString("hex"), "0000000573696c6c79000000");
    assert.equal(xdr.encode(xdr.int, -2).toString("hex"), "fffffffe");
    assert.equal(xdr.encode(xdr.hyper, -2n).toString("hex"), "fffffffffffffffe");
    assert.equal(xdr.encode(xdr.optional(xdr.int), null).toString("hex"), "00000000");
  });

  it("takes bit 31 of flags as JavaScript makes it", () => {
    assert.equal(xdr.decode(xdr.flags, xdr.encode(xdr.flags, 1 | (1 << 31))), 0x80000001);
  });

  it("names the field that does not fit", () => {
    const dom = { name: "web-1", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: -1 };
    throwsAt("memory", () => xdr.encode(domains.domainSetMemoryFlags.args, { dom, memory: -1, flags: 0 }));
    throwsAt("memory", () => xdr.encode(domains.domainSetMemoryFlags.args, { dom, memory: 1.5, flags: 0 }));
    throwsAt(
      "dom.uuid",
      () => xdr.encode(domains.domainGetState.args, { dom: { ...dom, uuid: "no" }, flags: 0 }),
      /got "no"/,
    );
    throwsAt("xml", () => xdr.encode(domains.domainDefineXML.args, { xml: "<a>\0</a>" }), /NUL/);
    throwsAt("xml", () => xdr.encode(domains.domainDefineXML.args, { xml: undefined as never }), /got undefined/);
    throwsAt("", () => xdr.encode(xdr.string(3), "äö"), /4 bytes is over the limit of 3/);
  });

  it("never reads past the end: every cut of a message is an error", () => {
    const reply = connect.connectListAllDomains.result;
    const value = { domains: [{ name: "a", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 }], count: 1 };
    const bytes = xdr.encode(reply, value);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => xdr.decode(reply, bytes.subarray(0, length)), XdrError);
    }
    throwsAt("", () => xdr.decode(reply, Buffer.concat([bytes, Buffer.alloc(4)])), /4 bytes are left over/);
  });

  it("answers arbitrary bytes with a value or an XdrError, and with nothing else", () => {
    for (const { result } of Object.values(domains)) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            xdr.decode(result as xdr.Xdr<unknown>, Buffer.from(bytes));
          } catch (error) {
            assert(error instanceof XdrError, String(error));
          }
        }),
        { numRuns: 20 },
      );
    }
  });

  it("allocates nothing for elements that are announced but not there", () => {
    const announced = Buffer.from("00004000", "hex");
    throwsAt("", () => xdr.decode(xdr.array(xdr.uint, 16384), announced), /16384 elements are announced/);
    throwsAt("", () => xdr.decode(xdr.array(xdr.uint, 100), announced), /over the limit of 100/);
    throwsAt("", () => xdr.decode(xdr.string(2 ** 32), Buffer.from("ffffffff", "hex")), /announced/);
  });
});
