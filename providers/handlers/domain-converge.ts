import type { Change, Context } from "../dynamic/contract";
import { OperatorError } from "../dynamic/errors";
import type { Connection } from "../libvirt/connection";
import { editDomain } from "../libvirt/xml/domain";
import { applyOverlay } from "../libvirt/xml/overlay";
import { VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_XML_SECURE } from "../libvirt/constants";
import type { DomainInputs } from "../schema/domain";
import { milliseconds } from "../schema/duration";
import { kindOf, type DomainKind } from "./domain-kind";
import { document, handleOf, look, type DomainDocument, type DomainLook } from "./domain-look";
import { differingFields, newDocument } from "./domain-model";
import { pauseOrResume, shutDown } from "./domain-power";
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
  context: Context,
): Promise<Converged> {
  const domain = handleOf(uuid, olds.name);
  const seen = await look(connection, domain);
  if (!seen && olds.adopted)
    throw new OperatorError("it is gone since the last up, and was not ours to make", {
      fix: "bring it back, or leave adopt out to make a new one",
    });
  const kind = kindOf(news);
  if (!seen) return makeAgain(connection, uuid, news, paths, context);

  const wanted = kind.wantedModel(seen.config.model, news, olds, paths);
  const reboot = seen.live !== undefined && changes.some((change) => change.disruption === "reboot");
  const timeout = milliseconds(news.shutdownTimeout ?? "30s");
  if (reboot) await shutDown(connection, domain, seen.power, timeout, context);
  const runs = seen.live !== undefined && !reboot;
  const declares = (field: keyof DomainInputs) => news[field] !== undefined || olds[field] !== undefined;
  const replugged = runs && (await kind.convergeLive(connection, seen, wanted, declares, news, context));

  const config = await renamed(connection, kind, seen, news.name, replugged);
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
  else if (power === "shutoff") await kind.start(connection, domain, wantedPower);
  else await pauseOrResume(connection, domain, wantedPower);
  return { started: power === "shutoff", replugged };
}

/** The configuration, under its new name where that changes; libvirt renames only what is off. */
async function renamed(
  connection: Connection,
  kind: DomainKind,
  seen: DomainLook,
  name: string,
  replugged: boolean,
): Promise<DomainDocument> {
  const { domain, config } = seen;
  const rename = config.model.name !== name;
  if (rename) await kind.rename(connection, seen, name);
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
  context: Context,
): Promise<Converged> {
  const kind = kindOf(news);
  const model = kind.newModel(news, await kind.accelerator(connection, news, context), paths);
  const domain = await connection.domainDefineXMLFlags(newDocument(news, model, uuid), 0);
  if (news.autostart) await connection.domainSetAutostart(domain, true);
  const started = news.state !== "shutoff";
  if (started) await kind.start(connection, domain, news.state ?? "running");
  return { started, replugged: false };
}
