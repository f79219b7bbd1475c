import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { displayArgv, shellQuote } from "../../../providers/machine/shell-quote";
import { skip } from "../../skip";

describe("shellQuote", () => {
  const word = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
  const nasty = fc.string({ unit: fc.constantFrom(..."'\"\\$`!*?[]{}()<>|&;#~=%\n\t a"), maxLength: 20 });

  for (const shell of ["sh", "dash", "bash", "busybox"])
    it(`makes words that ${shell} takes as they were`, function () {
      const path = ["/bin", "/usr/bin"].map((folder) => `${folder}/${shell}`).find((name) => existsSync(name));
      if (!path) skip(this, `needs ${shell}`);
      const applet = shell === "busybox" ? ["sh"] : [];
      fc.assert(
        fc.property(fc.array(fc.oneof(word, nasty), { minLength: 1, maxLength: 20 }), (words) => {
          // Lone surrogates have no encoding; they become U+FFFD on every way out.
          const sent = words.map((text) => Buffer.from(text).toString());
          const script = `printf '%s\\0' ${sent.map(shellQuote).join(" ")}`;
          const output = execFileSync(path, [...applet, "-c", script]).toString();
          assert.deepEqual(output.split("\0").slice(0, -1), sent);
        }),
        { numRuns: 30 },
      );
    });

  it("refuses a NUL", () => {
    assert.throws(() => shellQuote("a\0b"), { message: "a command's argument must not contain a NUL character" });
  });
});

describe("displayArgv", () => {
  it("quotes only where it is needed, and cuts what is long", () => {
    assert.equal(displayArgv(["nginx", "-t", "-c", "/etc/a b"]), "nginx -t -c '/etc/a b'");
    assert.equal(displayArgv(["x".repeat(400)], 10), "xxxxxxxxxx...");
    assert.equal(displayArgv(["a", ""]), "a ''");
  });
});
