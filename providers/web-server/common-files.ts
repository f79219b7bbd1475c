import type { GenerationFiles } from "../content/generations";
import { text } from "./lines";
import { fileName, placesOf, siteEntries, type WebServerModel } from "./model";
import { saltOf, sha512Crypt } from "./sha512-crypt";

/** How each server is told that its logs have been put away. */
const reopen = {
  nginx: "[ ! -f /run/nginx.pid ] || kill -USR1 $(cat /run/nginx.pid)",
  apache: "apache2ctl graceful >/dev/null 2>&1 || true",
};

/** The files that both servers read in the same form: certificates, passwords, pages, and how logs are rotated. */
export function commonFiles(model: WebServerModel, server: keyof typeof reopen): GenerationFiles {
  const { inputs, user } = model;
  const files: GenerationFiles = { rotation: { content: rotation(model, server) } };
  for (const [name, site] of siteEntries(inputs)) {
    const label = fileName(name);
    if (site.tls?.certificate !== undefined) {
      files[`certificates/${label}.crt`] = { content: site.tls.certificate };
      files[`certificates/${label}.key`] = { content: inputs.keys[name] ?? "", mode: 0o600 };
    }
    if (site.auth) {
      const lines = site.auth.users.map((one) => {
        const password = inputs.passwords[name]?.[one] ?? "";
        return `${one}:${sha512Crypt(password, saltOf(name, one, password))}\n`;
      });
      files[`passwords/${label}`] = { content: lines.sort().join(""), mode: 0o640, group: user };
    }
    for (const [code, page] of Object.entries(site.errorPages))
      if (!page.startsWith("/")) files[`errors/${label}-${code}.html`] = { content: page };
  }
  return files;
}

function rotation({ inputs }: WebServerModel, server: keyof typeof reopen): string {
  const { rotate, keep } = inputs.logs;
  return text([
    `${placesOf(inputs.name).logs}/*.log {`,
    `  ${rotate}`,
    `  rotate ${keep}`,
    "  missingok",
    "  notifempty",
    "  compress",
    "  delaycompress",
    "  create 0640 root adm",
    "  sharedscripts",
    "  postrotate",
    `    ${reopen[server]}`,
    "  endscript",
    "}",
  ]);
}
