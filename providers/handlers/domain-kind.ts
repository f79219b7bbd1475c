import type { Context, Problem } from "../dynamic/contract";
import type { Connection } from "../libvirt/connection";
import type { ConnectError } from "../libvirt/errors";
import type { Domain } from "../libvirt/handles";
import type { ReadyFacts } from "../libvirt/readiness";
import type { DomainModel } from "../libvirt/xml/domain";
import type { DomainInputs } from "../schema/domain";
import type { NicInputs } from "../schema/domain-nic";
import type { DomainLook, Power } from "./domain-look";
import { lxcKind } from "./domain-kind-lxc";
import { qemuKind } from "./domain-kind-qemu";
import type { DomainState } from "./domain-state";
import type { Connect } from "./guest-drivers";
import type { VolumePaths } from "./domain-volumes";

export type Accelerator = "kvm" | "tcg";

/** Whether the program sets the field, or did so before. */
export type Declares = (field: keyof DomainInputs) => boolean;

/** The fields of a guest, those that the program set, as they really are. */
export type Observed = { [Field in keyof DomainInputs]?: DomainInputs[Field] };

/** What differs between virtual machines and containers. The rest of a guest's life is one and the same. */
export interface DomainKind {
  /** What "auto" comes to; undefined where there is no choice. */
  accelerator(connection: Connection, inputs: DomainInputs, context: Context): Promise<Accelerator | undefined>;
  /** The inputs of a new guest in the document's words. */
  newModel(inputs: DomainInputs, accelerator: Accelerator | undefined, paths: VolumePaths): DomainModel;
  /** What the document of a guest that is there should say. */
  wantedModel(there: DomainModel, news: DomainInputs, olds: Partial<DomainInputs>, paths: VolumePaths): DomainModel;
  /** A document in the words of the inputs: where it says what was declared, exactly what was declared. */
  inWords(declared: DomainInputs, model: DomainModel, paths: VolumePaths): Observed;
  /** What a running guest may have otherwise than its configuration; libvirt fills in the rest of a live document. */
  readonly live: readonly (keyof DomainInputs)[];
  /** Brings a running guest to what is wanted, as far as that goes while it runs; whether devices were changed. */
  convergeLive(
    connection: Connection,
    seen: DomainLook,
    wanted: DomainModel,
    declares: Declares,
    inputs: DomainInputs,
    context: Context,
  ): Promise<boolean>;
  /** Renames a guest that is off. */
  rename(connection: Connection, seen: DomainLook, name: string): Promise<void>;
  start(connection: Connection, domain: Domain, power: Power): Promise<void>;
  /** Turns a guest off and forgets it. What it keeps its data in is not touched. */
  remove(connection: Connection, domain: Domain): Promise<void>;
  /** What is left of one on the host when libvirt has forgotten it. */
  cleanUp(state: DomainState, context: Context): Promise<void>;
  /** What the live document tells beside the power state. */
  outputs(seen: DomainLook): Pick<DomainState, "acceleratorInUse" | "vncPort">;
  /** What it means that its driver cannot be connected to, where the host can; undefined where nothing can be said. */
  driverProblem?(inputs: DomainInputs, refusal: ConnectError, connect: Connect): Promise<Problem | undefined>;
  /** What keeps a guest from being made or changed as declared, beside what keeps every kind from it. */
  problems(
    connection: Connection,
    news: DomainInputs,
    olds: Partial<DomainInputs> | undefined,
    context: Context,
  ): Promise<(Problem | Problem[] | undefined)[]>;
  /** Waits as the program asks; undefined where it asks for nothing. `fresh`: the guest has just been started. */
  waitUntilReady(
    connection: Connection,
    domain: Domain,
    inputs: DomainInputs,
    fresh: boolean,
    context: Context,
  ): Promise<ReadyFacts | undefined>;
  /** Gives the NICs of a running guest their own addresses, where libvirt does not; `before`: what they had from us. */
  giveAddresses?(
    connection: Connection,
    domain: Domain,
    inputs: DomainInputs,
    before: Partial<DomainInputs> | undefined,
    context: Context,
  ): Promise<void>;
  /** The NICs with the addresses that they really have, where libvirt's document does not tell. */
  withAddresses?(
    connection: Connection,
    seen: DomainLook,
    inputs: DomainInputs,
    nics: NicInputs[],
    context: Context,
  ): Promise<NicInputs[]>;
  /** What a running guest says of itself now; undefined in each part that it does not tell. */
  facts(connection: Connection, seen: DomainLook, state: DomainState, context: Context): Promise<Partial<ReadyFacts>>;
}

export function kindOf({ kind }: Pick<DomainInputs, "kind">): DomainKind {
  return kind === "lxc" ? lxcKind : qemuKind;
}
