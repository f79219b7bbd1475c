import { createHash, randomBytes } from "node:crypto";
import { OperatorError } from "../dynamic/errors";
import { answerOf, type Answer } from "../machine/ask-page";
import type { Machine } from "../machine/machine";
import { milliseconds } from "../schema/duration";
import { wildflyLayout, type WildFlyModel } from "./model";
import { manager, managementRealm } from "./security-xml";

/**
 * Sends standard input to port "$1" of the loopback, by bash's own means; prints head and body of the answer. The body ends
 * where its head says so: the server may keep the connection open.
 */
const SEND = `
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 7
cat >&3
length=
while IFS= read -r line <&3; do
  printf '%s\\n' "$line"
  line=\${line%$'\\r'}
  [ -n "$line" ] || break
  [[ \${line,,} =~ ^content-length:\\ *([0-9]+)$ ]] && length=\${BASH_REMATCH[1]}
done
if [ -n "$length" ]; then head -c "$length" <&3; else cat <&3; fi`;

const path = "/management";

/** One operation of WildFly's model: https://docs.wildfly.org/39/Admin_Guide.html#Management_API_reference. */
export interface Operation {
  operation: string;
  address?: { [kind: string]: string }[];
  [parameter: string]: unknown;
}

/** A deployment that the server has. */
export interface Deployment {
  /** Where its content is read from. */
  file?: string;
  /** Whether that is a folder. */
  exploded?: boolean;
  /** "OK", "FAILED", or "STOPPED". */
  status: string;
}

/** The server that runs, by its management on the loopback: JSON over HTTP. */
export class WildFlyManagement {
  constructor(
    private readonly machine: Machine,
    private readonly model: Pick<WildFlyModel, "name" | "management" | "drain"> & { timeout: string },
  ) {}

  /** What it has deployed, by name; undefined where it does not answer. */
  async deployments(signal?: AbortSignal): Promise<{ [name: string]: Deployment } | undefined> {
    const query = { operation: "read-children-resources", "child-type": "deployment", "include-runtime": true };
    const found = await this.ask(query, signal);
    if (found === undefined || found.outcome !== "success") return undefined;
    const all = Object.entries(
      (found.result ?? {}) as { [name: string]: { content?: { path?: string }[]; status: string } },
    );
    return Object.fromEntries(all.map(([name, { content, status }]) => [name, { file: content?.[0]?.path, status }]));
  }

  /** The names of what is below a place of its model; undefined where it does not answer. */
  async names(address: Operation["address"], kind: string, signal?: AbortSignal): Promise<string[] | undefined> {
    const found = await this.ask({ operation: "read-children-names", address, "child-type": kind }, signal);
    return found?.outcome === "success" ? (found.result as string[]) : undefined;
  }

  /** Throws with the server's own words where it does not do it; then it is as it was before. */
  async do(operation: Operation, signal?: AbortSignal): Promise<void> {
    const answer = await this.ask(operation, signal);
    if (answer === undefined) throw new OperatorError("WildFly's management does not answer");
    if (answer.outcome !== "success") throw new OperatorError(words(answer["failure-description"]));
  }

  private async ask(operation: Operation, signal?: AbortSignal): Promise<Told | undefined> {
    const body = JSON.stringify({ address: [], ...operation });
    const first = await this.send(body, undefined, signal);
    if (first === undefined) return undefined;
    const answer = await this.send(body, await this.authorization(first.head, signal), signal);
    if (answer === undefined) return undefined;
    if (answer.status === 401)
      throw new OperatorError(`somebody else answers at port ${this.model.management} of the loopback`, {
        fix: "choose another port as management",
      });
    try {
      return JSON.parse(answer.body) as Told;
    } catch {
      throw new OperatorError(`WildFly's management answers ${answer.status}`);
    }
  }

  /** RFC 7616, with MD5, which is what WildFly has the password's hash for. */
  private async authorization(head: string, signal?: AbortSignal): Promise<string> {
    const challenge = /^WWW-Authenticate: Digest (.*)$/im.exec(head)?.[1] ?? "";
    const given = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
    const password = (await this.machine.read(wildflyLayout(this.model.name).secret, { signal })).toString();
    const [nonce, opaque, cnonce, count] = [
      given("nonce"),
      given("opaque"),
      randomBytes(8).toString("hex"),
      "00000001",
    ];
    const user = md5(`${manager}:${managementRealm}:${password}`);
    const response = md5([user, nonce, count, cnonce, "auth", md5(`POST:${path}`)].join(":"));
    const quoted = { username: manager, realm: managementRealm, nonce, opaque, uri: path, cnonce, response };
    const fields = Object.entries(quoted).map(([name, value]) => `${name}="${value}"`);
    return `Digest ${[...fields, "algorithm=MD5", "qop=auth", `nc=${count}`].join(", ")}`;
  }

  private async send(
    body: string,
    authorization: string | undefined,
    signal?: AbortSignal,
  ): Promise<(Answer & { head: string }) | undefined> {
    const lines = [
      `POST ${path} HTTP/1.0`,
      ...["Host: localhost", "Content-Type: application/json"],
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ];
    const argv = ["bash", "-c", SEND, "bash", String(this.model.management)];
    const stdin = `${lines.join("\r\n")}\r\n\r\n${body}`;
    const timeout = milliseconds(this.model.timeout) + milliseconds(this.model.drain);
    const { exitCode, stdout } = await this.machine.run(argv, { stdin, signal, timeout, accept: [0, 1, 7] });
    if (exitCode !== 0) return undefined;
    return { ...answerOf(stdout), head: stdout.slice(0, Math.max(0, stdout.indexOf("\r\n\r\n"))) };
  }
}

interface Told {
  outcome: string;
  result?: unknown;
  "failure-description"?: unknown;
}

/** A failure as one line each; what failed is deep inside. */
function words(description: unknown): string {
  if (typeof description !== "object" || description === null) return String(description);
  return Object.entries(description)
    .map(([name, inner]) => `${name}: ${words(inner)}`)
    .join("\n");
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
