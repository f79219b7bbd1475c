import type { Machine } from "./machine";

/** Asks for the page "$3" of port "$2" at "$1", by bash's own means: curl need not be there. */
const ASK = `
exec 3<>"/dev/tcp/$1/$2" || exit 7
printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' "$3" >&3
cat <&3`;

/** What a server answers to a request. */
export interface Answer {
  /** 0 where it does not speak HTTP. */
  status: number;
  body: string;
}

/** Asks a server from its own machine; undefined where nobody listens. */
export async function askPage(
  machine: Machine,
  place: { address: string; port: number; page: string },
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  const argv = ["bash", "-c", ASK, "bash", place.address, String(place.port), place.page];
  const { exitCode, stdout } = await machine.run(argv, { signal, accept: [0, 1, 7], timeout: 30_000 });
  return exitCode === 0 ? answerOf(stdout) : undefined;
}

/** Where a machine reaches its own server that listens at this address, which may stand for all. */
export function ownAddress(listens: string | undefined): string {
  return listens === undefined || listens === "0.0.0.0" || listens === "::" ? "127.0.0.1" : listens;
}

/** A response as HTTP/1.0 has it, head and body. */
export function answerOf(text: string): Answer {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
  const end = text.indexOf("\r\n\r\n");
  return { status: Number(status ?? 0), body: end < 0 ? "" : text.slice(end + 4) };
}
