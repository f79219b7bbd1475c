import { acmeFolder } from "../acme/places";
import type { Context } from "../dynamic/contract";
import { QUIT, REMOVE } from "../web-server/machine-scripts";
import type { WebServerState } from "./web-server";
import type { WebServerMachine } from "./web-server-converge";

/** Takes a server out of service: it is asked no longer, finishes what it answers, and is what it was before us. */
export async function retire(place: WebServerMachine, state: WebServerState, { signal }: Context): Promise<void> {
  const { configuration, machine, manager, kind } = place;
  const { places } = configuration;
  const look = await configuration.look(signal);
  const running = (await manager.look(kind.service, signal))?.activity === "running";
  if (running && configuration.inForce(look)) {
    await machine.write(places.drain, "", { signal });
    await place.sleep(state.drain);
    await configuration.script(QUIT, [kind.pid, ...kind.quit], { signal, timeout: 60_000 });
  }
  await configuration.restore(signal);
  const service = await manager.look(kind.service, signal);
  if (service) {
    if (service.activity !== "stopped") await manager.stop(kind.service, signal);
    if (state.before.enabled === false && service.enabled) await manager.disable(kind.service, signal);
    if (state.before.running) await manager.start(kind.service, signal);
  }
  const { configuration: folder, content, cache, logs } = places;
  await configuration.script(REMOVE, [folder, content, cache, logs, acmeFolder(state.name)], { signal });
  await machine.remove(places.drain, { signal });
}
