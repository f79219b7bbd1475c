import { OperatorError } from "../dynamic/errors";
import { answerOf, askPage, type Answer } from "../machine/ask-page";
import type { Machine } from "../machine/machine";
import { layoutOf, versionText } from "./model";
import { managerPath } from "./server-xml";

/** Asks the server behind the socket "$0" for the page "$1"; prints head and body. */
const ASK = `
use strict;
use Socket;
my ($path, $page) = @ARGV;
socket(my $server, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\\n";
connect($server, sockaddr_un($path)) or do { warn "$path: $!\\n"; exit 7 };
select($server); $| = 1; select(STDOUT);
print $server "GET $page HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n";
local $/;
print scalar <$server>;`;

const unanswered = 7;

/** A version of an application that Tomcat has. */
export interface Deployed {
  path: string;
  version: number;
  running: boolean;
  sessions: number;
}

/** The server that runs: its applications, by its own manager (https://tomcat.apache.org/tomcat-10.1-doc/manager-howto.html). */
export class TomcatManager {
  private readonly socket: string;

  constructor(
    private readonly machine: Machine,
    name: string,
  ) {
    this.socket = layoutOf(name).socket;
  }

  /** Undefined where nobody listens. */
  async ask(page: string, signal?: AbortSignal): Promise<Answer | undefined> {
    const argv = ["perl", "-e", ASK, this.socket, page];
    const { exitCode, stdout } = await this.machine.run(argv, { signal, accept: [0, unanswered] });
    return exitCode === unanswered ? undefined : answerOf(stdout);
  }

  /** As `ask`, by a port. */
  askPort(address: string, port: number, page: string, signal?: AbortSignal): Promise<Answer | undefined> {
    return askPage(this.machine, { address, port, page }, signal);
  }

  /** All versions of all applications but the manager itself; undefined where Tomcat does not answer. */
  async list(signal?: AbortSignal): Promise<Deployed[] | undefined> {
    const answer = await this.ask(`${managerPath}/text/list`, signal);
    if (answer?.status !== 200) return undefined;
    return answer.body
      .split("\n")
      .map((line) => /^(\/[^:]*):(running|stopped):(\d+):(?:.*?)(?:##(\d+))?$/.exec(line.trim()))
      .filter((match) => match !== null)
      .filter(([, path]) => path !== managerPath)
      .map(([, path, state, sessions, version]) => ({
        path: path!,
        version: Number(version ?? 1),
        running: state === "running",
        sessions: Number(sessions),
      }));
  }

  /** Returns once it serves; throws with Tomcat's answer where it does not. */
  async deploy(path: string, version: number, descriptor: string, signal?: AbortSignal): Promise<void> {
    await this.order("deploy", { path, version: versionText(version), config: `file:${descriptor}` }, signal);
  }

  async undeploy(path: string, version: number, signal?: AbortSignal): Promise<void> {
    await this.order("undeploy", { path, version: versionText(version) }, signal);
  }

  private async order(verb: string, query: { [name: string]: string }, signal?: AbortSignal): Promise<void> {
    const answer = await this.ask(`${managerPath}/text/${verb}?${new URLSearchParams(query)}`, signal);
    if (answer === undefined) throw new OperatorError("Tomcat does not run");
    if (!answer.body.startsWith("OK")) throw new OperatorError(answer.body.trim() || `status ${answer.status}`);
  }
}
