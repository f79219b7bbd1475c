import {
  ConnectError,
  CallTimeout,
  ConnectionLost,
  ErrorCode,
  isLibvirtError,
  OutcomeUnknown,
} from "../libvirt/errors";
import type { Connection } from "../libvirt/connection";
import type { Domain } from "../libvirt/handles";
import { open } from "../libvirt/open";
import type { AgentTransport } from "./agent-client";
import { UnreachableError } from "./unreachable-error";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function lookUp(uri: string, domain: string): Promise<Domain> {
  const connection = await open(uri);
  return uuid.test(domain) ? connection.domainLookupByUUID(domain) : connection.domainLookupByName(domain);
}

/** The guest agent of a domain, named or by its UUID, through libvirt. */
export function agentTransport(label: string, uri: string, domain: string): AgentTransport {
  let known: Domain | undefined;
  return async (command, timeoutSeconds) => {
    try {
      known ??= await lookUp(uri, domain);
      const connection = await open(uri);
      return await connection.domainQemuAgentCommand(known, command, timeoutSeconds);
    } catch (error) {
      // The name may belong to a new domain by the next call.
      known = undefined;
      throw unreachable(label, uri, error);
    }
  };
}

/** The guest agent of a domain that is known already. */
export function agentOf(label: string, connection: Connection, domain: Domain): AgentTransport {
  return async (command, timeoutSeconds) => {
    try {
      return await connection.domainQemuAgentCommand(domain, command, timeoutSeconds);
    } catch (error) {
      throw unreachable(label, connection.uri, error);
    }
  };
}

/** The id of a running container's domain, which is the pid of its libvirt_lxc process on the host. */
export async function containerLeader(label: string, uri: string, domain: string): Promise<number> {
  try {
    const { id } = await lookUp(uri, domain);
    if (id > 0) return id;
  } catch (error) {
    throw unreachable(label, uri, error);
  }
  throw new UnreachableError(label, `it is not running on ${uri}`, { fix: "start it", state: "off" });
}

/** What went wrong below the agent becomes an UnreachableError; what the agent itself said stays as it is. */
function unreachable(label: string, uri: string, error: unknown): unknown {
  const problem = (reason: string, options: { fix?: string; mayHaveRun?: boolean; state?: "gone" | "off" } = {}) =>
    new UnreachableError(label, reason, { output: (error as Error).message, cause: error, ...options });
  if (error instanceof OutcomeUnknown || error instanceof CallTimeout)
    return problem("libvirt did not answer", { mayHaveRun: true });
  if (error instanceof ConnectError || error instanceof ConnectionLost) return problem("libvirt cannot be reached");
  if (isLibvirtError(error, ErrorCode.NO_DOMAIN))
    return problem(`there is no such domain on ${uri}`, { state: "gone" });
  if (isLibvirtError(error, ErrorCode.OPERATION_INVALID))
    return problem("the domain is not running", { fix: "start it", state: "off" });
  if (isLibvirtError(error, ErrorCode.ARGUMENT_UNSUPPORTED, ErrorCode.CONFIG_UNSUPPORTED))
    return problem("the domain has no guest agent channel", {
      fix: "give it a channel named org.qemu.guest_agent.0",
    });
  if (isLibvirtError(error, ErrorCode.AGENT_UNRESPONSIVE, ErrorCode.AGENT_UNSYNCED))
    return problem("the guest agent does not answer", {
      fix: "install and start qemu-guest-agent in the guest, or wait until it has booted",
      // libvirt has one code for an agent that is not there and one that fell silent after a command.
      mayHaveRun: true,
    });
  // The agent's own refusals have no code; the text decides only whether there is advice to give.
  if (isLibvirtError(error) && /disabled/.test(error.message))
    return problem("the guest agent is not allowed to run commands", {
      fix: "take guest-exec off the agent's block list in the guest (/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf)",
    });
  return error;
}
