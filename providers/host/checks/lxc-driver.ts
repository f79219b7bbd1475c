import { open } from "../../libvirt/open";
import { withDriver } from "../../schema/connection";
import { groupsObstacle } from "../control-groups";
import { install } from "../privileged";
import { ofLibvirt } from "../inspection";

/** libvirt can run containers, where the program has some. */
export const lxcDriver = ofLibvirt("LXC", async (_libvirt, { target, machine }) => {
  if (!target.needs.lxc) return { skipped: "no container is declared" };
  const uri = withDriver(target.connection, "lxc").replace("/session", "/system");
  try {
    await (await open(uri)).connectGetType();
    const groups = machine instanceof Error ? undefined : machine?.survey.groups;
    const obstacle = groups && groupsObstacle(groups);
    return obstacle ? [{ level: "error", field: "needs", ...obstacle }] : [];
  } catch (error) {
    const packages = {
      debian: "libvirt-daemon-driver-lxc",
      redhat: "libvirt-daemon-lxc",
      suse: "libvirt-daemon-lxc",
      arch: "libvirt",
    };
    const side = machine instanceof Error ? undefined : machine;
    const installing = side ? install(side.survey, [packages]) : `install ${packages.debian} (Debian)`;
    return [
      {
        level: "error",
        field: "needs",
        problem: `libvirt runs no containers: ${uri}: ${(error as Error).message.replace(/\. Fix: .*$/s, "")}`,
        fix: `${installing}, then restart libvirtd`,
      },
    ];
  }
});
