import type { Survey } from "./survey";

/** A command as the operator has to type it: with sudo where the machine is not worked on as root. */
export function privileged(survey: Pick<Survey, "root"> | undefined, command: string): string {
  return survey === undefined || survey.root ? command : `sudo ${command}`;
}

type Family = "debian" | "redhat" | "suse" | "arch";

/** The distribution family that /etc/os-release tells (os-release(5)); undefined for others. */
export function distribution(survey: Pick<Survey, "files">): Family | undefined {
  const release = survey.files.get("/etc/os-release") ?? "";
  const [, id = "", like = ""] = ["ID", "ID_LIKE"].reduce<string[]>(
    (found, key) => [...found, new RegExp(`^${key}="?([^"\\n]*)"?$`, "m").exec(release)?.[1] ?? ""],
    [""],
  );
  const words = `${id} ${like}`.split(" ");
  const families: [Family, string[]][] = [
    ["debian", ["debian", "ubuntu"]],
    ["redhat", ["fedora", "rhel", "centos"]],
    ["suse", ["suse", "opensuse"]],
    ["arch", ["arch"]],
  ];
  return families.find(([, names]) => names.some((name) => words.includes(name)))?.[0];
}

/** The command that installs packages, each named as the distribution names it. */
export function install(survey: Survey, packages: { [family in Family]: string }[]): string {
  const family = distribution(survey);
  const names = [...new Set(packages.map((names) => names[family ?? "debian"]))].join(" ");
  const commands = {
    debian: "apt-get install",
    redhat: "dnf install",
    suse: "zypper install",
    arch: "pacman -S",
  };
  return family ? privileged(survey, `${commands[family]} ${names}`) : `install ${names} (Debian's names)`;
}
