import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import ts from "typescript";
import { assertAccepted, computeOutputs, run } from "./components/mocks";
import * as kvm from "../components";

const root = path.dirname(__dirname);
const documents = ["README.md", "docs/reference.md", "docs/lab.md", "docs/backup.md"];

/** What the examples take as given: declared before an example that uses it and does not declare it. */
const given: { [name: string]: string } = {
  pulumi: 'import * as pulumi from "@pulumi/pulumi";',
  kvm: 'import * as kvm from "pulumi-kvm";',
  config: "const config = new pulumi.Config();",
  host: 'const host = new kvm.KvmHost("given", { networks: { lab: { ipv4: "192.168.150.0/24" } } });',
  image: 'const image = new kvm.BootstrapImage("given", { host });',
  images: 'const images = new kvm.StoragePool("given-images", { path: "/srv/images" });',
  web: 'const web = new kvm.Guest("given-web", { host, image, network: "lab" });',
  backup: 'const backup = new kvm.GuestBackup("given-backup", { host, guest: web, target: "/srv/backup" });',
  db: 'const db = new kvm.Guest("given-db", { host, image, network: "lab" });',
  base: 'const base = new kvm.Volume("given-base", { pool: images.name, capacity: "1GiB" });',
  root: 'const root = new kvm.Volume("given-root", { pool: images.name, backing: base.path });',
  app: 'const app = new kvm.WebTier("given-app", { host, network: "lab", http: 8080, sites: { "app.example.org": {} } });',
  guest: 'const guest = new kvm.Guest("given-guest", { host, image, network: "lab" });',
  password: 'const password = config.requireSecret("password");',
  machine: 'const machine: kvm.MachineSpec = { kind: "local" };',
};

interface Example {
  /** "README.md:72" */
  at: string;
  text: string;
}

function examples(document: string): Example[] {
  const markdown = readFileSync(path.join(root, document), "utf8");
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map((found) => ({
    at: `${document}:${markdown.slice(0, found.index).split("\n").length + 1}`,
    text: complete(found[1]!),
  }));
}

/** The example as a whole program. */
function complete(text: string): string {
  const { used, declared } = namesIn(text);
  const components = [...used].filter((name) => name in kvm && !declared.has(name));
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (!(name in given) || declared.has(name) || needed.has(name)) return;
    for (const other of namesIn(given[name]!).used) if (other !== name) need(other);
    needed.add(name);
  };
  for (const name of used) need(name);
  const first = [...needed].map((name) => given[name]!);
  if (components.length > 0) first.unshift(`import { ${components.join(", ")} } from "pulumi-kvm";`);
  // On one line, so that the compiler's line numbers are near the example's.
  return `${first.join(" ")} ${text}\nexport {};\n`;
}

/** The names that a program uses as values or types, and those that it declares. */
function namesIn(text: string): { used: Set<string>; declared: Set<string> } {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isDeclaration =
        (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isNamespaceImport(parent)) &&
        parent.name === node;
      const isMember =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        (ts.isQualifiedName(parent) && parent.right === node);
      if (isDeclaration) declared.add(node.text);
      else if (!isMember) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", text, ts.ScriptTarget.Latest, true));
  return { used, declared };
}

/** What the compiler says of the examples, each as a file of its own beside the tests. */
function complaints(all: readonly Example[]): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    esModuleInterop: true,
    types: ["node"],
    paths: { "pulumi-kvm": [path.join(root, "components/index.ts")] },
  };
  const files = new Map(all.map(({ text }, at) => [path.join(__dirname, `example-${at}.ts`), text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, text, version as ts.ScriptTarget);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((name, at) => {
    const source = program.getSourceFile(name)!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((each) => `${all[at]!.at}: ${ts.flattenDiagnosticMessageText(each.messageText, "\n")}`);
  });
}

function execute({ text }: Example): void {
  const module = ts.ModuleKind.CommonJS;
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022, module } });
  const modules: { [name: string]: object } = { "pulumi-kvm": kvm, "@pulumi/pulumi": pulumi };
  new Function("require", "exports", outputText)((name: string) => modules[name], {});
}

describe("the documents", function () {
  // The type check compiles all components anew.
  this.timeout(120_000);
  const all = documents.flatMap(examples);

  const where = process.cwd();
  const beside = mkdtempSync(path.join(tmpdir(), "kvm-examples-"));

  before(() => {
    computeOutputs();
    pulumi.runtime.setAllConfig({ "pulumi-kvm:password": "secret", "pulumi-kvm:dbPassword": "secret" });
    // What the examples have beside them.
    mkdirSync(path.join(beside, "site"));
    writeFileSync(path.join(beside, "site/index.html"), "page");
    writeFileSync(path.join(beside, "shop.war"), "archive");
    mkdirSync(path.join(beside, "portlets/news"), { recursive: true });
    writeFileSync(path.join(beside, "portlets/news/view.jsp"), "news");
    process.chdir(beside);
  });
  after(() => {
    pulumi.runtime.setAllConfig({});
    process.chdir(where);
    rmSync(beside, { recursive: true });
  });

  it("have examples that the compiler takes", () => {
    assert.ok(all.length > 20, `${all.length} examples`);
    assert.deepEqual(complaints(all), []);
  });

  for (const example of all)
    it(`have an example at ${example.at} that runs, and that every handler takes`, async () => {
      const made = await run(() => execute(example));
      assert.ok(made.length > 0);
      assertAccepted(made);
    });

  it("name scripts and files that are there", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: object };
    for (const document of documents) {
      const markdown = readFileSync(path.join(root, document), "utf8");
      for (const [, name] of markdown.matchAll(/\bnpm run ([\w:-]+)/g)) assert.ok(name! in scripts, `npm run ${name}`);
      for (const [, name] of markdown.matchAll(/\bnpm (start|test)\b/g)) assert.ok(name! in scripts, `npm ${name}`);
      for (const [, link] of markdown.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
        assert.ok(existsSync(path.join(root, path.dirname(document), link!)), `${document}: ${link}`);
      for (const [name] of markdown.matchAll(/(?<![\w./-])(scripts|stacks|\.ci)\/[\w./-]*\w/g))
        assert.ok(existsSync(path.join(root, name)), `${document}: ${name}`);
    }
  });
});
