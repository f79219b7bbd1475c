import type { Change, Handler } from "../../../providers/dynamic/contract";
import { classify } from "../../../providers/dynamic/diff";
import { dispatch } from "../../../providers/dynamic/dispatch";

interface Recorded {
  id: string;
  inputs: Record<string, unknown>;
  state: Record<string, unknown>;
}

/** Plays the engine for one resource: keeps inputs and state between the calls, as Pulumi does. */
export class Played {
  private readonly calls;
  recorded?: Recorded;

  // Handlers of any kind: their types hold inside them.
  constructor(private readonly handler: Handler<any, any>) {
    this.calls = dispatch(handler);
  }

  get state(): Record<string, any> {
    return this.recorded!.state;
  }

  /** The reasons why a preview would fail; none when it would not. */
  async preview(args: object): Promise<string[]> {
    const { failures } = await this.calls.check(this.recorded?.inputs ?? {}, { ...args });
    return failures.map(({ reason }) => reason);
  }

  /** Creates, or updates in place; throws what the run would fail with. The classes of the changes are handed back. */
  async up(args: object): Promise<string[]> {
    const { inputs, failures } = await this.calls.check(this.recorded?.inputs ?? {}, { ...args });
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    if (!this.recorded) {
      const { id, outs } = await this.calls.create(inputs);
      this.recorded = { id, inputs, state: outs };
      return ["create"];
    }
    const changes = this.changes(inputs);
    if (changes.some((change) => change.disruption === "replace")) throw new Error("would be replaced");
    if (changes.length > 0)
      this.recorded.state = (await this.calls.update(this.recorded.id, this.recorded.state, inputs)).outs;
    this.recorded.inputs = inputs;
    return changes.map(({ field, disruption }) => `${field}: ${disruption}`);
  }

  /** Reads the world into the state; the fields that are not as declared, or "gone". */
  async refresh(): Promise<string[]> {
    const declared = this.recorded!.inputs;
    const { id, props } = await this.calls.read(this.recorded!.id, this.recorded!.state);
    if (!id) {
      this.recorded = undefined;
      return ["gone"];
    }
    this.recorded!.state = props;
    return this.changes(declared).map(({ field }) => field);
  }

  async destroy(): Promise<void> {
    if (!this.recorded) return;
    await this.calls.delete(this.recorded.id, this.recorded.state);
    this.recorded = undefined;
  }

  private changes(inputs: object): Change[] {
    return classify(this.handler.fields, this.recorded!.state, inputs);
  }
}
