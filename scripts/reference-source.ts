import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/** One argument or output, as its declaration and docstring tell it. */
export interface Member {
  name: string;
  type: string;
  required: boolean;
  doc: string;
}

export interface Declared {
  name: string;
  doc: string;
  example?: string;
  members: Member[];
  /** What an interface takes over: `Omit<NetworkArgs, "mode">` is { from: "NetworkArgs", without: ["mode"] }. */
  inherits?: { from: string; only?: string[]; without?: string[] };
  /** Further interfaces that it takes over. */
  mixins?: { from: string; only?: string[]; without?: string[] }[];
}

/** What the sources of resources and components declare, by name. */
export interface Sources {
  classes: Map<string, Declared>;
  interfaces: Map<string, Declared>;
}

export function readSources(...files: string[]): Sources {
  const classes = new Map<string, Declared>();
  const interfaces = new Map<string, Declared>();
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
    const aliases = new Map<string, string[]>();
    source.forEachChild((node) => {
      if (ts.isTypeAliasDeclaration(node)) aliases.set(node.name.text, literals(node.type, aliases));
      if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, declaredInterface(node, aliases));
      if (ts.isClassDeclaration(node) && node.name) classes.set(node.name.text, declaredClass(node));
    });
  }
  return { classes, interfaces };
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join(folder, file));
}

function declaredInterface(node: ts.InterfaceDeclaration, aliases: Map<string, string[]>): Declared {
  const members = node.members.filter(ts.isPropertySignature).map((member) => ({
    name: member.name.getText(),
    type: member.type ? shown(member.type) : "",
    required: !member.questionToken,
    doc: docOf(member),
  }));
  const [base, ...others] = node.heritageClauses?.[0]?.types ?? [];
  return {
    name: node.name.text,
    doc: docOf(node),
    members,
    ...(base && { inherits: inherited(base, aliases) }),
    ...(others.length > 0 && { mixins: others.map((other) => inherited(other, aliases)!) }),
  };
}

function inherited(base: ts.ExpressionWithTypeArguments, aliases: Map<string, string[]>): Declared["inherits"] {
  const [from, fields] = base.typeArguments ?? [];
  const utility = base.expression.getText();
  if (!from || !fields) return { from: utility };
  const names = literals(fields, aliases);
  return { from: from.getText(), ...(utility === "Pick" ? { only: names } : { without: names }) };
}

/** The strings of a union of string literals. */
function literals(type: ts.TypeNode, aliases: Map<string, string[]>): string[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap((each) => literals(each, aliases));
  if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) return [type.literal.text];
  return (ts.isTypeReferenceNode(type) && aliases.get(type.typeName.getText())) || [];
}

function declaredClass(node: ts.ClassDeclaration): Declared {
  const members = node.members
    .filter(ts.isPropertyDeclaration)
    .filter((member) => has(member, ts.SyntaxKind.ReadonlyKeyword) && !has(member, ts.SyntaxKind.PrivateKeyword))
    .map((member) => ({
      name: member.name.getText(),
      type: member.type ? shown(member.type) : "boolean",
      required: true,
      doc: docOf(member),
    }));
  const base = node.heritageClauses?.[0]?.types[0]?.expression.getText();
  const example = ts.getJSDocTags(node).find((tag) => tag.tagName.text === "example");
  return {
    name: node.name!.text,
    doc: docOf(node),
    members,
    ...(base !== undefined && { inherits: { from: base } }),
    ...(example && { example: ts.getTextOfJSDocComment(example.comment)?.trim() }),
  };
}

function has(member: ts.PropertyDeclaration, kind: ts.SyntaxKind): boolean {
  return member.modifiers?.some((modifier) => modifier.kind === kind) ?? false;
}

function docOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return comments.map((comment) => ts.getTextOfJSDocComment(comment.comment) ?? "").join("\n");
}

/** The type as users think of it: without Input and Output. */
function shown(type: ts.TypeNode): string {
  const text = type.getText().replace(/\s+/g, " ");
  let before = "";
  let now = text;
  while (before !== now) {
    before = now;
    now = now.replace(/pulumi\.(?:Input|Output)<((?:[^<>]|<[^<>]*>)*)>/g, "$1");
  }
  return now.replaceAll(" | undefined", "").replace(/^\| /, "");
}
