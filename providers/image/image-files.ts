import type { Machine } from "../machine/machine";

/** What a folder on a host has of an image, and whether the host could build one. */
export interface Inspection {
  /** Whether every file of the image is there. */
  whole: boolean;
  folder: boolean;
  /** Programs that builds need and that are not installed. */
  missing: string[];
  root: boolean;
}

/** Arguments: the folder, the image's name, its parts' endings. */
const INSPECT = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
folder=$1 name=$2
shift 2
[ "$(id -u)" = 0 ] && echo root
[ -d "$folder" ] && echo folder
whole=whole
for part; do [ -e "$folder/$name$part" ] || whole=; done
echo "$whole"
for tool in unshare flock mmdebstrap mke2fs qemu-img dpkg-deb; do
  command -v "$tool" >/dev/null || echo "missing $tool"
done`;

/** Prints every container that has the folder "$1" as its root, or as another of its folders. */
const CONTAINERS = `
containers() {
  grep -lF "<source dir='$1'/>" /etc/libvirt/lxc/*.xml /run/libvirt/lxc/*.xml 2>/dev/null |
    sed 's|.*/||; s|\\.xml$||' | sort -u
}`;

/**
 * Prints every disk image whose backing file is "$1": those of its folder, of all folder pools of libvirt on the host,
 * and those of its domains. The header of a qcow2 file says at bytes 8 to 19 where it holds that name and how long it is,
 * big-endian (https://www.qemu.org/docs/master/interop/qcow2.html); a relative one counts from the file's own folder.
 */
const USERS = `${CONTAINERS}
backing() {
  set -- "$1" $(od -An -tu1 -j8 -N12 "$1")
  tail -c +$(((($6 * 256 + $7) * 256 + $8) * 256 + $9 + 1)) "$1" |
    head -c $((((\${10} * 256 + \${11}) * 256 + \${12}) * 256 + \${13}))
}
lies_on() {
  below=$(backing "$1")
  case $below in
    "") return 1 ;;
    json:* | file:*) case $below in *"\${2##*/}"*) return 0 ;; *) return 1 ;; esac ;;
    /*) ;;
    *) below=\${1%/*}/$below ;;
  esac
  [ "$(readlink -f -- "$below")" = "$(readlink -f -- "$2")" ]
}
users() {
  if [ -d "$1" ]; then
    containers "$1"
    return 0
  fi
  {
    find "\${1%/*}" -maxdepth 1 -type f
    sed -n 's|^ *<path>\\(/.*\\)</path>.*|\\1|p' /etc/libvirt/storage/*.xml /run/libvirt/storage/*.xml 2>/dev/null |
      while read -r pool; do [ ! -d "$pool" ] || find "$pool" -maxdepth 1 -type f; done
    sed -n "s|^ *<source file='\\([^']*\\)'.*|\\1|p" /etc/libvirt/qemu/*.xml /run/libvirt/qemu/*.xml 2>/dev/null
  } | sort -u | while read -r file; do
    [ -f "$file" ] && [ "$file" != "$1" ] || continue
    [ "$(head -c 3 -- "$file" 2>/dev/null)" = QFI ] || continue
    if lies_on "$file" "$1"; then echo "$file"; fi
  done
}`;

/** Prints the users of "$1/$2$3" when there are any; else removes the image's parts, whose endings follow. */
const DISCARD = `${USERS}
folder=$1 name=$2 disk=$3
shift 3
[ -d "$folder" ] || exit 0
exec 9<"$folder"
flock 9
found=$(users "$folder/$name$disk")
if [ -n "$found" ]; then
  echo "$found"
  exit 0
fi
for part; do rm -rf --one-file-system -- "$folder/$name$part" || exit 1; done`;

/** The files of one image in a folder of a host: NAME.qcow2 or NAME.root and what belongs to it. */
export class ImageFiles {
  constructor(
    private readonly machine: Machine,
    private readonly directory: string,
    private readonly name: string,
    /** The endings of all files, the disk image's last: where that one is, all are. */
    private readonly parts: readonly string[],
  ) {}

  /** The disk image, or the folder. */
  get main(): string {
    return this.path(this.parts.at(-1)!);
  }

  path(part: string): string {
    return `${this.directory}/${this.name}${part}`;
  }

  async inspect(signal?: AbortSignal): Promise<Inspection> {
    const { stdout } = await this.machine.run(["sh", "-c", INSPECT, "sh", this.directory, this.name, ...this.parts], {
      signal,
    });
    const said = stdout.split("\n");
    return {
      whole: said.includes("whole"),
      folder: said.includes("folder"),
      root: said.includes("root"),
      missing: said.filter((line) => line.startsWith("missing ")).map((line) => line.slice("missing ".length)),
    };
  }

  /** The disk images on the host that are overlays of this one; of a folder, the containers that are in it. */
  async users(signal?: AbortSignal): Promise<string[]> {
    const script = `${USERS}\nusers "$1"`;
    const { stdout } = await this.machine.run(["sh", "-c", script, "sh", this.main], { signal });
    return paths(stdout);
  }

  /** Removes the files, unless overlays use them: these are returned then. Missing files are no error. */
  async discard(signal?: AbortSignal): Promise<string[]> {
    const disk = this.parts.at(-1)!;
    const argv = ["sh", "-c", DISCARD, "sh", this.directory, this.name, disk, ...this.parts];
    const { stdout } = await this.machine.run(argv, { signal });
    return paths(stdout);
  }
}

function paths(stdout: string): string[] {
  return stdout.split("\n").filter((line) => line !== "");
}
