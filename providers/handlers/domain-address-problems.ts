import { allDeclared, sameHost } from "../dynamic/declared";
import type { Problem } from "../dynamic/contract";
import type { DomainInputs } from "../schema/domain";
import { describeNic, type NicInputs } from "../schema/domain-nic";

/** Addresses that another guest of the program is given on the same network or bridge: each would have them at times. */
export function addressProblems(news: DomainInputs): Problem[] {
  const owners = new Map(others(news).flatMap(({ name, nics }) => nics.flatMap((nic) => taken(nic, name))));
  return (news.nics ?? []).flatMap((nic, at) =>
    taken(nic, news.name).flatMap(([place]) => {
      const owner = owners.get(place);
      if (owner === undefined) return [];
      const [, address] = JSON.parse(place) as [string, string];
      return [
        {
          field: `nics.${at}.addresses`,
          reason: `guest ${owner} is given ${address} on ${describeNic(nic)} too. Fix: give one of them another address`,
        },
      ];
    }),
  );
}

/** Where and what each address is. */
function taken(nic: NicInputs, guest: string): [place: string, guest: string][] {
  const given: unknown = nic.addresses;
  if (!Array.isArray(given)) return [];
  return given
    .filter((address): address is string => typeof address === "string")
    .map((address) => [JSON.stringify([describeNic(nic), address.split("/")[0]]), guest]);
}

function others({ connection, name }: DomainInputs): { name: string; nics: NicInputs[] }[] {
  return allDeclared<DomainInputs>("Domain").flatMap((other) => {
    const same = other.name === name && other.connection === connection;
    if (same || !sameHost(other.connection, connection)) return [];
    if (typeof other.name !== "string" || !Array.isArray(other.nics)) return [];
    return [{ name: other.name, nics: other.nics }];
  });
}
