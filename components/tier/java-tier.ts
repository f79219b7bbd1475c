import * as pulumi from "@pulumi/pulumi";
import type { TomcatApplicationArgs } from "../../providers/resources/tomcat-server";
import type { AppTierArgs } from "./app-tier";
import { knownMembers, type TierMember, type TierMembersArgs } from "./members";

type JavaTierArgs = Pick<AppTierArgs, "applications" | "connectors" | "dataSources" | "sessions" | "clusterPort">;

/** Each member's part of the cluster; undefined where there is none. */
export function clusterOf(subject: string, name: string, args: JavaTierArgs & TierMembersArgs, usual: number) {
  const { sessions, clusterPort: port = usual } = args;
  if (sessions !== undefined && sessions !== "cluster" && sessions !== "local")
    throw new pulumi.RunError(`${subject}: sessions: got ${JSON.stringify(sessions)}. Allowed: "cluster" or "local"`);
  const members = knownMembers(name, args)?.map((member) => ({ ...member, port }));
  if (sessions === "cluster" && !members)
    throw new pulumi.RunError(
      `${subject}: sessions: a cluster has to know the addresses of all its guests before they are there. Fix: give them nics with ipv4 or addresses, e.g. nics: (number) => [{ network: "lab", ipv4: \`192.168.150.\${20 + number}\` }]; or sessions: "local"`,
    );
  if (!members || sessions === "local" || (sessions === undefined && members.length < 2)) return undefined;
  return (member: TierMember) => ({ address: member.address, port, members });
}

/** Where requests are handed on to. */
export function requestPort({ connectors = [{ port: 8080 }] }: JavaTierArgs): pulumi.Output<number> {
  return pulumi.output(connectors).apply((all) => {
    const found = all.find(({ protocol }) => protocol === undefined || protocol === "http");
    // A list without one is refused by its server.
    return found?.port ?? 8080;
  });
}

/** What a server of this package and its applications need. */
export function javaPackages({ applications = {}, dataSources = {} }: JavaTierArgs, server: string): string[] {
  const javax = Object.values(applications).some(
    (each) => isSettings(each) && each.javax !== false && each.javax !== undefined,
  );
  const postgres = Object.values(dataSources).some(
    ({ driver }) => driver === undefined || driver === "org.postgresql.Driver",
  );
  return [...(postgres ? ["libpostgresql-jdbc-java"] : []), ...(javax ? ["tomcat-jakartaee-migration"] : []), server];
}

function isSettings(given: pulumi.Input<string> | TomcatApplicationArgs): given is TomcatApplicationArgs {
  return typeof given === "object" && !pulumi.Output.isInstance(given) && "war" in given;
}
