import { element, type Element } from "../libvirt/xml/document";
import type { Deployment } from "./management";
import { deploymentName, fittedFile, wildflyLayout, type WildFlyModel } from "./model";

const nothing = "ROOT.war";

/** What answers 404 where no application is at "/": WildFly itself answers 503 to what it knows nothing of. */
export const nothingThere = {
  // Else its root folder were there, and forbidden.
  [`${nothing}/WEB-INF/undertow-handlers.conf`]: "path('/') -> response-code(404)\n",
};

/** What it should have deployed, each read from its file or folder, by name. */
export function wantedDeployments(model: WildFlyModel): { [name: string]: Deployment } {
  const { current } = wildflyLayout(model.name);
  const paths = Object.keys(model.applications);
  return {
    [nothing]: { file: `${current}/${nothing}`, exploded: true, status: "OK" },
    ...Object.fromEntries(
      paths.map((path) => [deploymentName(path), { file: deploymentFile(model, path), status: "OK" }]),
    ),
  };
}

/** The applications. */
export function deployments(model: WildFlyModel): Element {
  return element(
    "deployments",
    {},
    Object.entries(wantedDeployments(model)).map(([name, { file, exploded }]) =>
      element(
        "deployment",
        { name, "runtime-name": name },
        element(exploded ? "fs-exploded" : "fs-archive", { path: file }),
      ),
    ),
  );
}

export function deploymentFile({ name, applications, cluster }: WildFlyModel, path: string): string {
  return fittedFile(wildflyLayout(name), path, applications[path]!, cluster !== undefined).used;
}
