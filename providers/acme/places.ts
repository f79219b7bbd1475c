/** Where the certificates of a web server's sites are on its machine, of all its ACME clients. */
export function acmeFolder(server: string): string {
  return `/var/lib/kvm-acme/${server}`;
}

/** Certificate and key of a site, as dehydrated names them. */
export function acmeFiles(server: string, site: string): { folder: string; certificate: string; key: string } {
  const folder = `${acmeFolder(server)}/certs/${site}`;
  return { folder, certificate: `${folder}/fullchain.pem`, key: `${folder}/privkey.pem` };
}
