import assert from "node:assert/strict";
import { BOOTSTRAP, pack } from "../../../providers/machine/envelope";

describe("BOOTSTRAP", () => {
  it("holds nothing that a login shell would take for something else inside single quotes", () => {
    assert.doesNotMatch(BOOTSTRAP, /['\n]/);
    // csh replaces "!" unless a blank, "=" or "(" follows.
    assert.doesNotMatch(BOOTSTRAP, /!(?![ =(])/);
  });
});

describe("pack", () => {
  it("puts the command, its surroundings and its input between two tokens and the end", () => {
    const { bytes, token } = pack(
      ["echo", "it's"],
      { env: { A: "b c" }, cwd: "/srv", stdin: "in" },
      "SCRIPT",
      { limit: 5 },
      "TOKEN",
    );
    assert.equal(token, "TOKEN");
    assert.equal(
      bytes.toString(),
      "TOKEN\nset -- 'echo' 'it'\\''s'\nexport A='b c'\nkvm_n='2'\nkvm_limit='5'\nkvm_cwd='/srv'\nSCRIPT\nTOKEN\nin",
    );
  });

  it("uses a token that nobody can guess", () => {
    assert.match(pack(["a"], {}, "").token, /^[0-9a-f]{32}$/);
    assert.notEqual(pack(["a"], {}, "").token, pack(["a"], {}, "").token);
  });
});
