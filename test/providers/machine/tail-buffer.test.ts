import assert from "node:assert/strict";
import fc from "fast-check";
import { TailBuffer } from "../../../providers/machine/tail-buffer";

describe("TailBuffer", () => {
  it("keeps the last bytes, and knows whether it dropped any", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.integer({ min: 1, max: 50 }), (chunks, limit) => {
        const buffer = new TailBuffer(limit);
        for (const chunk of chunks) buffer.append(Buffer.from(chunk));
        const whole = Buffer.concat(chunks);
        assert.deepEqual(buffer.bytes(), whole.subarray(Math.max(0, whole.length - limit)));
        assert.equal(buffer.truncated, whole.length > limit);
      }),
      { examples: [[[new Uint8Array(0), new Uint8Array([1])], 1]] },
    );
  });

  it("keeps everything without a limit", () => {
    const buffer = new TailBuffer(Infinity);
    buffer.append(Buffer.from("a"));
    buffer.append(Buffer.from("b"));
    assert.equal(buffer.bytes().toString(), "ab");
  });
});
