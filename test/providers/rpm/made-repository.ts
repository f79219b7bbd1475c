import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { builtRpm, type RpmShape } from "./built-rpm";

/** Who signs. Repositories are given the key of "right". */
export type Signer = "right" | "wrong";

/** A repository that createrepo_c makes of packages that rpmbuild made, signed by throwaway keys and served on loopback. */
export class MadeRepository {
  static readonly tools = ["rpmbuild", "rpmsign", "rpmkeys", "createrepo_c", "gpg", "xz"].map(
    (tool) => `/usr/bin/${tool}`,
  );

  /** The paths that were asked for. */
  readonly asked: string[] = [];
  /** Answers in the place of files, by path. */
  readonly answers: { [path: string]: (response: ServerResponse) => void } = {};
  readonly folder: string;
  url = "";
  private readonly gnupg = mkdtempSync("/tmp/gpg-");
  private readonly server = createServer((request, response) => {
    const path = decodeURI(request.url!);
    this.asked.push(path);
    if (this.answers[path]) return this.answers[path](response);
    try {
      response.end(readFileSync(join(this.folder, path)));
    } catch {
      response.writeHead(404).end();
    }
  });

  private constructor(private readonly scratch: string) {
    this.folder = join(scratch, "served");
    mkdirSync(join(this.folder, "packages"), { recursive: true });
    for (const name of ["right", "wrong"])
      this.gpg("--quick-gen-key", `${name}@example.org`, "ed25519", "sign", "never");
  }

  static async make(scratch: string): Promise<MadeRepository> {
    const made = new MadeRepository(scratch);
    await new Promise<void>((resolve) => made.server.listen(0, "127.0.0.1", resolve));
    made.url = `http://127.0.0.1:${(made.server.address() as AddressInfo).port}`;
    return made;
  }

  async dispose(): Promise<void> {
    await this.close();
    execFileSync("gpgconf", ["--kill", "gpg-agent"], { env: this.environment });
    rmSync(this.gnupg, { recursive: true, force: true });
  }

  /** Nobody answers from now on. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The public key as text. */
  key(signer: Signer): string {
    return this.gpg("--armor", "--export", `${signer}@example.org`).toString();
  }

  /** A package with one file, /etc/NAME, that holds its version. */
  add(
    name: string,
    version: string,
    { signer = "right", ...shape }: Partial<RpmShape> & { signer?: Signer | "nobody" } = {},
  ) {
    const install = `mkdir etc; echo ${version} >etc/${name}`;
    const made = builtRpm(this.scratch, { name, version, install, files: `/etc/${name}`, ...shape });
    if (signer !== "nobody") {
      const defines = [`_gpg_name ${signer}@example.org`, "__gpg /usr/bin/gpg"].flatMap((each) => ["--define", each]);
      execFileSync("rpmsign", [...defines, "--addsign", made], { env: this.environment, stdio: "ignore" });
    }
    const file = `${name}-${version.replace(/^\d+:/, "")}.${shape.architecture ?? "noarch"}.rpm`;
    renameSync(made, join(this.folder, "packages", file));
  }

  /** Makes the metadata, with the arguments of createrepo_c that are given. */
  publish(...args: string[]): void {
    rmSync(join(this.folder, "repodata"), { recursive: true, force: true });
    execFileSync("createrepo_c", ["--quiet", ...args, this.folder], { stdio: ["ignore", "ignore", "pipe"] });
    this.sign("right");
  }

  /** Makes them with another list of packages, packed with zstd, which older ones of createrepo_c do not. */
  publishEdited(edit: (primary: string) => string): void {
    this.publish();
    const repodata = join(this.folder, "repodata");
    const original = readdirSync(repodata).find((file) => file.endsWith("-primary.xml.gz"))!;
    const primary = edit(gunzipSync(readFileSync(join(repodata, original))).toString());
    const packed = zstdCompressSync(primary);
    writeFileSync(join(repodata, "primary.xml.zst"), packed);
    this.editIndex((index) =>
      index.replace(/<data type="primary">[^]*?<\/data>/, () => {
        const digest = createHash("sha256").update(packed).digest("hex");
        return `<data type="primary"><checksum type="sha256">${digest}</checksum><location href="repodata/primary.xml.zst"/><size>${packed.length}</size></data>`;
      }),
    );
  }

  /** Changes repomd.xml and signs it again. */
  editIndex(edit: (index: string) => string): void {
    const path = join(this.folder, "repodata/repomd.xml");
    writeFileSync(path, edit(readFileSync(path, "utf8")));
    this.sign("right");
  }

  /** Signs repomd.xml. */
  sign(signer: Signer): void {
    const path = join(this.folder, "repodata/repomd.xml");
    this.gpg("--yes", "--armor", "--local-user", `${signer}@example.org`, "--detach-sign", path);
  }

  /** Signs repomd.xml as of a day in the past, with a key that was good for that day; its public part as text. */
  signInThePast(): string {
    const past = (...args: string[]) => this.gpg("--faked-system-time", "20200101T000000", ...args);
    past("--quick-gen-key", "past@example.org", "ed25519", "sign", "1d");
    const path = join(this.folder, "repodata/repomd.xml");
    past("--yes", "--armor", "--local-user", "past@example.org", "--detach-sign", path);
    return past("--armor", "--export", "past@example.org").toString();
  }

  private get environment() {
    return { ...process.env, GNUPGHOME: this.gnupg };
  }

  private gpg(...args: string[]): Buffer {
    return execFileSync("gpg", ["--batch", "--quiet", "--passphrase", "", ...args], { env: this.environment });
  }
}
