import type { HostFiles, Renderer } from "./renderer";

/** The renderer, looking at every file only once in a call: each look is a round trip to the host. */
export function lookingOnce(renderer: Renderer): Renderer {
  return {
    name: renderer.name,
    persist: (config, host, ours) => renderer.persist(config, remembering(host), ours),
    forget: (config, host, ours) => renderer.forget(config, remembering(host), ours),
  };
}

function remembering(host: HostFiles): HostFiles {
  return {
    read: once((path) => host.read(path)),
    status: once((path) => host.status(path)),
    list: once((folder) => host.list(folder)),
  };
}

function once<Answer>(look: (path: string) => Promise<Answer>): (path: string) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>();
  return (path) => {
    const answer = answers.get(path) ?? look(path);
    answers.set(path, answer);
    return answer;
  };
}
