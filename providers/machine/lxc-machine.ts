import { BOOTSTRAP, pack } from "./envelope";
import { before } from "./feed";
import { PosixMachine, type Executed, type Execution } from "./posix-machine";
import { PLAIN } from "./supervise";
import { UnreachableError } from "./unreachable-error";

/**
 * For the host: sets $kvm_i to the first child of process "$1", a container's process 1 below the libvirt_lxc that leads it;
 * to nothing where there is none.
 */
export const FIND_INIT = `
{ read -r kvm_c kvm_x <"/proc/$1/task/$1/children"; } 2>/dev/null
[ -n "$kvm_c" ] || kvm_c=$(ps -o pid= --ppid "$1")
for kvm_i in $kvm_c; do break; done`;

const FIND = `${FIND_INIT}
[ -n "$kvm_i" ] || exit 1`;

/**
 * Enters the container that the process "$1" leads, and runs the rest there. Its process 1 is looked for each time: another
 * process may have the number that it had, and what is meant for a container must never run on its host. What cannot be
 * joined of its control groups is left: then the command counts as the host's.
 */
const ENTER = `${FIND}
while IFS=: read -r kvm_n kvm_c kvm_p; do
  case $kvm_c in
    "") kvm_a=/sys/fs/cgroup; [ -f "$kvm_a/cgroup.procs" ] || kvm_a=/sys/fs/cgroup/unified ;;
    *) kvm_a=/sys/fs/cgroup/\${kvm_c#name=} ;;
  esac
  echo 0 >"$kvm_a$kvm_p/cgroup.procs"
done 2>/dev/null <"/proc/$kvm_i/cgroup"
shift
exec nsenter --target "$kvm_i" --all "$@"`;

/** What a login in the container would set; nothing of the host's environment comes along. */
const environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"];

/**
 * A libvirt-lxc container, entered from its host with nsenter: all its namespaces, no daemon inside needed. Commands run
 * as the container's root, within the limits of its init's control groups.
 */
export class LxcMachine extends PosixMachine {
  /** The leader that was seen to have a process 1. */
  private entered?: number;

  /**
   * @param host the machine that the container runs on
   * @param leader the pid on the host of the container's libvirt_lxc process, which is the running domain's id
   */
  constructor(
    label: string,
    private readonly host: PosixMachine,
    private readonly leader: () => Promise<number>,
  ) {
    super(label);
  }

  async execute(argv: readonly string[], execution: Execution): Promise<Executed> {
    const leader = String(await this.seen(execution.signal));
    const { bytes, feed } = pack(argv, execution, PLAIN);
    // The host's shell supervises; the one inside only reads the command.
    const inside = ["sh", "-c", ENTER, "sh", leader, "env", "-i", ...environment, "sh", "-c", BOOTSTRAP];
    const stdin = feed ? before(bytes, feed) : bytes;
    return this.host.execute(inside, { ...execution, env: undefined, cwd: undefined, stdin });
  }

  private async seen(signal?: AbortSignal): Promise<number> {
    const leader = await this.leader();
    if (this.entered === leader) return leader;
    const found = await this.host.run(["sh", "-c", FIND, "sh", String(leader)], { accept: [0, 1], signal });
    if (found.exitCode !== 0)
      throw new UnreachableError(this.label, `its process 1 was not found on ${this.host.label}`, {
        output: found.stderr,
        fix: `see on ${this.host.label} whether the container still runs: virsh -c lxc:///system list`,
      });
    this.entered = leader;
    return leader;
  }
}
