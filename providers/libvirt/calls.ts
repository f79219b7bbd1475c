import type { CallOptions, ChannelPool } from "./rpc/channel-pool";
import type { Procedure } from "./rpc/procedure";

/** What the groups of typed calls share: the way to the daemon. */
export abstract class Calls {
  protected constructor(
    protected readonly pool: ChannelPool,
    protected readonly options: CallOptions,
  ) {}

  /** Any procedure, for what has no method of its own yet. */
  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
    return this.pool.call(procedure, args, this.options);
  }

  /** As `call`, and hands back one field of the result. */
  protected async pick<Args, Result, Name extends keyof Result>(
    name: Name,
    procedure: Procedure<Args, Result>,
    args: Args,
  ): Promise<Result[Name]> {
    return (await this.call(procedure, args))[name];
  }

  /** As `call`, without result. */
  protected async run<Args>(procedure: Procedure<Args, object>, args: Args): Promise<void> {
    await this.call(procedure, args);
  }
}
