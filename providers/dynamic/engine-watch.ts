import { connect } from "node:net";

const loopback = /^(127\.0\.0\.1|\[::1\]):(\d+)$/;

/**
 * Calls `gone` when Pulumi's engine has ended without telling, as after `kill -9`: a provider process would work on for
 * nobody and stay for ever. Pulumi gives the process the engine's address as its first argument; without one there is
 * nothing to watch.
 */
export function watchEngine(gone: () => void, address = process.argv[2] ?? ""): void {
  const [, host, port] = loopback.exec(address) ?? [];
  if (port === undefined) return;
  // Nobody reads what we print then, and nobody minds.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const look = () => {
    const socket = connect(Number(port), host!.replace(/[[\]]/g, ""));
    let refused = false;
    socket.unref();
    // The engine's server greets, and ends a connection that does not answer after two minutes.
    socket.resume();
    socket.on("error", (error: NodeJS.ErrnoException) => (refused = error.code === "ECONNREFUSED"));
    socket.on("close", () => (refused ? gone() : setTimeout(look, 50).unref()));
  };
  look();
}
