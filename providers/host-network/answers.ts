import { connect } from "node:net";

/** Whether "HOST:PORT" takes a TCP connection from here within `timeout` milliseconds. */
export function answers(endpoint: string, timeout: number): Promise<boolean> {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(endpoint)!;
  return new Promise((resolve) => {
    const socket = connect({ host: six ?? four!, port: Number(port), timeout });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}
