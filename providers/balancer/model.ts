/** The programs that a balancer is made of. */
export type BalancerProgram = "haproxy" | "keepalived";

/** Where everything of one is on its machine. */
export function placesOf(program: BalancerProgram, name: string) {
  return {
    /** Its configurations, of which `current` leads to the one in force. */
    folder: `/etc/pulumi-kvm/${program}-${name}`,
    /** Sockets and states. */
    run: `/run/pulumi-kvm-${program}-${name}`,
    service: `kvm-${program}-${name}`,
  };
}

/** Lines of a section, one step to the right. */
export function sectionText(head: string, lines: readonly string[]): string {
  return `${head}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
