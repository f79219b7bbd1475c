import { createHash, pbkdf2Sync } from "node:crypto";
import { element } from "../libvirt/xml/document";
import { indented } from "../java/indented";
import type { TomcatModel } from "./model";
import { credentials } from "./server-xml";

/** Those who may log in, their passwords as hashes: https://tomcat.apache.org/tomcat-10.1-doc/realm-howto.html. */
export function usersXml({ name, users = {}, userPasswords = {} }: TomcatModel): string {
  const user = ([user, { roles }]: [string, { roles: string[] }]) =>
    element("user", { name: user, password: hashed(name, user, userPasswords[user]!), roles: roles.join(",") });
  return indented(element("tomcat-users", {}, Object.entries(users).map(user)));
}

/** They take a moment each, and are asked for at every look. */
const known = new Map<string, string>();

/** The same password has the same hash here every time, and another one of another user or server. */
function hashed(server: string, user: string, password: string): string {
  const { digest, iterations, keyLength, saltLength } = credentials;
  const salt = createHash("sha256")
    .update(JSON.stringify([server, user]))
    .digest()
    .subarray(0, saltLength);
  const key = createHash("sha256").update(salt).update(password).digest("hex");
  const found = known.get(key) ?? pbkdf2Sync(password, salt, iterations, keyLength / 8, digest).toString("hex");
  known.set(key, found);
  return `${salt.toString("hex")}$${iterations}$${found}`;
}
