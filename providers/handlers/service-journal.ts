import { OperatorError } from "../dynamic/errors";
import { essence } from "../java/log-essence";
import type { Machine } from "../machine/machine";

/** What a service of Java says of itself while it is changed. */
export class ServiceJournal {
  constructor(
    private readonly machine: Machine,
    private readonly unit: string,
    /** How errors call it: "Tomcat". */
    private readonly server: string,
  ) {}

  /** Where the journal ends now. */
  async cursor(): Promise<string> {
    const argv = ["journalctl", "--unit", this.unit, "--lines", "0", "--show-cursor", "--quiet"];
    const { stdout } = await this.machine.run(argv, { accept: [0, 1] });
    return /^-- cursor: (.*)$/m.exec(stdout)?.[1] ?? "";
  }

  /** A problem, with the server's own words since. */
  async failure(cursor: string, problem: string): Promise<Error> {
    const since = cursor === "" ? [] : ["--after-cursor", cursor];
    const argv = ["journalctl", "--unit", this.unit, ...since, "--lines", "400", "--no-pager", "--output", "cat"];
    const log = await this.machine.run([...argv, "--quiet"], { accept: [0, 1] }).catch(() => undefined);
    const lines = essence(log?.stdout ?? "");
    return new OperatorError(`${problem}${lines === "" ? "" : `\n${this.server}'s own words:\n${lines}`}`);
  }
}
