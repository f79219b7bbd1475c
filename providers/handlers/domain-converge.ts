import type { Change, Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { editDomain } from "../libvirt/xml/domain";
import { applyOverlay } from "../libvirt/xml/overlay";
import { VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_XML_SECURE } from "../libvirt/constants";
import type { DomainInputs } from "../schema/domain";
import { milliseconds } from "../schema/duration";
import { convergeLive } from "./domain-live";
import { document, handleOf, look, type DomainDocument, type DomainLook } from "./domain-look";
import { differingFields, newDocument, wantedModel } from "./domain-model";
import { pauseOrResume, shutDown, start } from "./domain-power";
import type { DomainState } from "./domain-state";
import type { VolumePaths } from "./domain-volumes";

/** What became of a guest. */
export interface Converged {
  /** It was started, so that what its agent said before is void. */
  started: boolean;
  /** Its devices were changed while it ran. */
  replugged: boolean;
}

/** Brings a guest's configuration, what runs of it, and its power to `news`, from wherever they are. */
export async function converge(
  connection: Connection,
  uuid: string,
  olds: DomainState,
  news: DomainInputs,
  changes: readonly Change[],
  paths: VolumePaths,
  accelerator: () => Promise<"kvm" | "tcg">,
  context: Context,
): Promise<Converged> {
  const domain = handleOf(uuid, olds.name);
  const seen = await look(connection, domain);
  if (!seen && olds.adopted)
    throw new OperatorError("it is gone since the last up, and was not ours to make", {
      fix: "bring it back, or leave adopt out to make a new one",
    });
  if (!seen) return makeAgain(connection, uuid, news, paths, await accelerator());

  const wanted = wantedModel(seen.config.model, news, olds, paths);
  const reboot = seen.live !== undefined && changes.some((change) => change.disruption === "reboot");
  const timeout = milliseconds(news.shutdownTimeout ?? "30s");
  if (reboot) await shutDown(connection, domain, seen.power, timeout, context);
  const runs = seen.live !== undefined && !reboot;
  const declares = (field: keyof DomainInputs) => news[field] !== undefined || olds[field] !== undefined;
  const replugged = runs && (await convergeLive(connection, seen, wanted, declares, context));

  const config = await renamed(connection, seen, news.name, replugged);
  const fields = differingFields(config.model, wanted);
  const edited = fields.length > 0 ? editDomain(config.xml, wanted, fields) : config.xml;
  const complete = applyOverlay(edited, news.xml, olds.xml);
  if (complete !== config.xml || !seen.persistent) await connection.domainDefineXMLFlags(complete, 0);
  if (news.autostart !== undefined && (news.autostart !== seen.autostart || !seen.persistent))
    await connection.domainSetAutostart(domain, news.autostart);

  const power = runs ? seen.power : "shutoff";
  const wantedPower = news.state ?? seen.power;
  if (power === wantedPower) return { started: false, replugged };
  if (wantedPower === "shutoff") await shutDown(connection, domain, power, timeout, context);
  else if (power === "shutoff") await start(connection, domain, wantedPower);
  else await pauseOrResume(connection, domain, wantedPower);
  return { started: power === "shutoff", replugged };
}

/** The configuration, under its new name where that changes; libvirt renames only what is off. */
async function renamed(
  connection: Connection,
  { domain, config }: DomainLook,
  name: string,
  replugged: boolean,
): Promise<DomainDocument> {
  const rename = config.model.name !== name;
  if (rename) await connection.domainRename(domain, name);
  if (!rename && !replugged) return config;
  const flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
  return document(await connection.domainGetXMLDesc(domain, flags));
}

/** The guest is gone: the same guest once more. */
async function makeAgain(
  connection: Connection,
  uuid: string,
  news: DomainInputs,
  paths: VolumePaths,
  accelerator: "kvm" | "tcg",
): Promise<Converged> {
  const domain = await connection.domainDefineXMLFlags(newDocument(news, accelerator, paths, uuid), 0);
  if (news.autostart) await connection.domainSetAutostart(domain, true);
  const started = news.state !== "shutoff";
  if (started) await start(connection, domain, news.state ?? "running");
  return { started, replugged: false };
}
