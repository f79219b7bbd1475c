import { BOOTSTRAP, pack } from "./envelope";
import { before } from "./feed";
import { PosixMachine, type Executed, type Execution } from "./posix-machine";
import { PLAIN } from "./supervise";
import { UnreachableError } from "./unreachable-error";

/** Prints the first child of process "$1": a container's process 1 below the libvirt_lxc that leads it. */
const INIT = `
read -r kvm_c kvm_x <"/proc/$1/task/$1/children"
[ -n "$kvm_c" ] || kvm_c=$(ps -o pid= --ppid "$1")
for kvm_c in $kvm_c; do echo "$kvm_c"; exit 0; done
exit 1`;

/**
 * Enters the container whose process 1 is "$1", and runs the rest there. What cannot be joined of its control groups is
 * left: then the command counts as the host's.
 */
const ENTER = `
while IFS=: read -r kvm_n kvm_c kvm_p; do
  case $kvm_c in
    "") kvm_a=/sys/fs/cgroup; [ -f "$kvm_a/cgroup.procs" ] || kvm_a=/sys/fs/cgroup/unified ;;
    *) kvm_a=/sys/fs/cgroup/\${kvm_c#name=} ;;
  esac
  echo 0 >"$kvm_a$kvm_p/cgroup.procs"
done 2>/dev/null <"/proc/$1/cgroup"
kvm_i=$1
shift
exec nsenter --target "$kvm_i" --all "$@"`;

/** What a login in the container would set; nothing of the host's environment comes along. */
const environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"];

/**
 * A libvirt-lxc container, entered from its host with nsenter: all its namespaces, no daemon inside needed. Commands run
 * as the container's root, within the limits of its init's control groups.
 */
export class LxcMachine extends PosixMachine {
  private init?: { leader: number; pid: string };

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
    const pid = await this.initPid(execution.signal);
    const { bytes, feed } = pack(argv, execution, PLAIN);
    // The host's shell supervises; the one inside only reads the command.
    const inside = ["sh", "-c", ENTER, "sh", pid, "env", "-i", ...environment, "sh", "-c", BOOTSTRAP];
    const stdin = feed ? before(bytes, feed) : bytes;
    return this.host.execute(inside, { ...execution, env: undefined, cwd: undefined, stdin });
  }

  private async initPid(signal?: AbortSignal): Promise<string> {
    const leader = await this.leader();
    if (this.init?.leader === leader) return this.init.pid;
    const found = await this.host.run(["sh", "-c", INIT, "sh", String(leader)], { accept: [0, 1], signal });
    const pid = found.stdout.trim();
    if (found.exitCode !== 0 || !/^\d+$/.test(pid))
      throw new UnreachableError(this.label, `its process 1 was not found on ${this.host.label}`, {
        output: found.stderr,
        fix: `see on ${this.host.label} whether the container still runs: virsh -c lxc:///system list`,
      });
    this.init = { leader, pid };
    return pid;
  }
}
