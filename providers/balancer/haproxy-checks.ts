import type { FarmCheckInputs } from "../schema/balancer-farm";
import { milliseconds } from "../schema/duration";

/** How the members of a backend are asked whether they are well. */
export function checkLines(check: FarmCheckInputs): string[] {
  return check.type === "none" ? [] : [`timeout check ${milliseconds(check.timeout)}ms`, ...questions(check)];
}

function questions({ type, path, host, status }: FarmCheckInputs): string[] {
  switch (type) {
    case "http":
      return [
        "option httpchk",
        `http-check send meth GET uri ${path} ver HTTP/1.1 hdr Host ${host ?? "balancer"} hdr Connection close`,
        `http-check expect status ${status}`,
      ];
    case "ldap":
      // Binds, as nobody (RFC 4511, 4.2), and wants success.
      return ["option ldap-check"];
    case "smtp":
      return ["option smtpchk EHLO balancer"];
    case "imap":
      return [
        "option tcp-check",
        "tcp-check connect",
        "tcp-check expect rstring ^\\*\\ (OK|PREAUTH)",
        'tcp-check send "a LOGOUT\\r\\n"',
      ];
    case "pop3":
      return ["option tcp-check", "tcp-check connect", "tcp-check expect string +OK", 'tcp-check send "QUIT\\r\\n"'];
    default:
      return [];
  }
}
