import { get } from "node:http";
import { connect, isIPv6 } from "node:net";

/** Milliseconds that one attempt may take. */
const patience = 2000;

/** What an HTTP answer must be. */
export interface HttpGoal {
  port: number;
  path: string;
  /** Exactly this status; any from 200 to 399 where it is undefined. */
  status?: number;
}

/** Opens a TCP connection from here and closes it; what kept it from opening, or undefined when it did. */
export function probePort(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: patience });
    const settle = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => settle(undefined));
    socket.once("timeout", () => settle("no answer"));
    socket.once("error", (error) => settle(reasonOf(error)));
  });
}

/** Asks for a page from here; what was wrong with the answer, or undefined when it is as wanted. */
export function probeHttp(address: string, goal: HttpGoal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { port, path, status } = goal;
    const host = isIPv6(address) ? `[${address}]` : address;
    const request = get({ host: address, port, path, headers: { host }, agent: false, timeout: patience }, (answer) => {
      answer.resume();
      const code = answer.statusCode ?? 0;
      const wanted = status === undefined ? code >= 200 && code < 400 : code === status;
      settle(wanted ? undefined : `status ${code}`);
    });
    const settle = (failure: string | undefined) => {
      resolve(failure);
      request.destroy();
    };
    request.once("timeout", () => settle("no answer"));
    request.once("error", (error) => settle(reasonOf(error)));
  });
}

const reasons: { [code: string]: string } = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to it from here",
  ENETUNREACH: "no route to it from here",
  ETIMEDOUT: "no answer",
  ECONNRESET: "connection reset",
};

function reasonOf(error: NodeJS.ErrnoException): string {
  return reasons[error.code ?? ""] ?? error.message;
}
