import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The payload compressions that rpmbuild has. */
export const payloads = {
  gzip: "w9.gzdio",
  xz: "w2.xzdio",
  zstd: "w3.zstdio",
  bzip2: "w9.bzdio",
  lzma: "w2.lzdio",
  none: "w.ufdio",
} as const;

export interface RpmShape {
  name: string;
  /** "1:2.0-3", of which epoch and release may be left out. Default "1.0-1". */
  version?: string;
  architecture?: "noarch" | "x86_64" | "aarch64";
  /** What it requires, with the words before it: "Requires: bash", "Requires(post): grep". */
  requires?: string[];
  /** Shell that fills %{buildroot}. */
  install: string;
  /** Lines of %files. */
  files: string;
  /** Further sections: "%post". */
  more?: string;
  payload?: keyof typeof payloads;
}

/** An RPM as rpmbuild makes it in `folder`; returns its path. */
export function builtRpm(folder: string, shape: RpmShape): string {
  const {
    name,
    version: whole = "1.0-1",
    architecture = "noarch",
    requires = [],
    install,
    files,
    more = "",
    payload = "gzip",
  } = shape;
  const [, epoch, version, release = "1"] = /^(?:(\d+):)?([^-]+)(?:-(.+))?$/.exec(whole)!;
  const top = join(folder, `.top-${name}`);
  mkdirSync(top, { recursive: true });
  const spec = join(top, `${name}.spec`);
  writeFileSync(
    spec,
    `Name: ${name}
${epoch === undefined ? "" : `Epoch: ${epoch}\n`}Version: ${version}
Release: ${release}
Summary: For a test
License: MIT
${architecture === "noarch" ? "BuildArch: noarch\n" : ""}AutoReqProv: no
${requires.join("\n")}
%description
For a test.
%install
mkdir -p %{buildroot}
cd %{buildroot}
${install}
%files
%defattr(-,root,root)
${files}
${more}
`,
  );
  const defines = {
    _topdir: top,
    _binary_payload: payloads[payload],
    _build_id_links: "none",
    _binaries_in_noarch_packages_terminate_build: "0",
    __os_install_post: "%{nil}",
  };
  const args = Object.entries(defines).flatMap(([key, value]) => ["--define", `${key} ${value}`]);
  execFileSync("rpmbuild", ["-bb", "--quiet", "--target", architecture, ...args, spec], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [file] = readdirSync(join(top, "RPMS", architecture));
  const path = join(folder, `${name}.rpm`);
  execFileSync("mv", [join(top, "RPMS", architecture, file!), path]);
  rmSync(top, { recursive: true });
  return path;
}
