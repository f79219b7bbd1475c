import assert from "node:assert/strict";
import path from "node:path";
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";

/** Lints one line as if it stood in that file, and returns the rules it breaks. */
async function lint(filePath: string, code: string): Promise<(string | null)[]> {
  const file = path.resolve("eslint.layers.mjs");
  const { layers } = (await import(file)) as { layers: object[] };
  const eslint = new ESLint({
    overrideConfigFile: true,
    baseConfig: [{ files: ["**/*.ts"] }, tseslint.configs.base as object, ...layers],
  });
  const [result] = await eslint.lintText(code, { filePath });
  return result!.messages.map((message) => message.ruleId);
}

const refused: [file: string, code: string][] = [
  ["stacks/dev.ts", 'import { Domain } from "../providers/resources/domain";'],
  ["components/guest/guest.ts", 'import { connect } from "../../providers/libvirt/connection";'],
  ["components/guest/guest.ts", 'import { handler } from "../../providers/handlers/domain";'],
  ["components/guest/guest.ts", 'import { LocalMachine } from "../../providers/machine/local-machine";'],
  ["components/guest/guest.ts", 'const dev = import("../../stacks/dev");'],
  ["providers/resources/domain.ts", 'import { handler } from "../handlers/domain";'],
  ["providers/resources/domain.ts", 'import type { Guest } from "../../components/guest/guest";'],
  ["providers/dynamic/dispatch.ts", 'import { handler } from "../handlers/domain";'],
  ["providers/dynamic/dispatch.ts", 'import * as pulumi from "@pulumi/pulumi";'],
  ["providers/handlers/domain.ts", 'import { Domain } from "../resources/domain";'],
  ["providers/handlers/domain.ts", 'import { dispatch } from "../dynamic/dispatch";'],
  ["providers/handlers/domain.ts", 'import { Output } from "@pulumi/pulumi/output";'],
  ["providers/libvirt/rpc/channel.ts", 'import { run } from "../../machine/local-machine";'],
  ["providers/libvirt/rpc/channel.ts", 'const machine = import("../../machine/local-machine");'],
  ["providers/machine/local-machine.ts", 'import { handler } from "../handlers/file";'],
  ["providers/schema/size.ts", 'import { connect } from "../libvirt/connection";'],
];

const allowed: [file: string, code: string][] = [
  ["stacks/dev.ts", 'import * as kvm from "../components";'],
  ["components/guest/guest.ts", 'import { Domain } from "../../providers/resources/domain";'],
  ["components/guest/guest.ts", 'import { NatNetwork } from "../network/nat-network";'],
  ["components/guest/guest.ts", 'import type { Machine } from "../../providers/machine/machine";'],
  ["components/guest/guest.ts", 'import * as pulumi from "@pulumi/pulumi";'],
  ["providers/resources/domain.ts", 'import type { DomainInputs } from "../handlers/domain";'],
  ["providers/resources/domain.ts", 'import { Resource } from "../dynamic/resource";'],
  ["providers/dynamic/resource.ts", 'import * as pulumi from "@pulumi/pulumi";'],
  ["providers/handlers/domain.ts", 'import { OperatorError } from "../dynamic/errors";'],
  ["providers/handlers/domain.ts", 'import { Libvirt } from "../libvirt/libvirt";'],
  ["providers/handlers/index.ts", 'import { dispatch } from "../dynamic/dispatch";'],
  ["providers/machine/agent-machine.ts", 'import { agentCommand } from "../libvirt/agent";'],
  ["providers/libvirt/xml/network.ts", 'import { parseCidr } from "../../schema/address";'],
];

describe("the direction of imports", function () {
  before(async function () {
    this.timeout(30_000);
    await lint("stacks/dev.ts", "");
  });

  for (const [file, code] of refused) {
    it(`refuses ${code} in ${file}`, async () => {
      const rule = code.includes("import(") ? "no-restricted-syntax" : "@typescript-eslint/no-restricted-imports";
      assert.deepEqual(await lint(file, code), [rule]);
    });
  }
  for (const [file, code] of allowed) {
    it(`allows ${code} in ${file}`, async () => assert.deepEqual(await lint(file, code), []));
  }
});
