import { element, type Element } from "../libvirt/xml/document";
import { deploymentName, fittedFile, wildflyLayout, type WildFlyModel } from "./model";

/** The applications, each read from its file. */
export function deployments(model: WildFlyModel): Element | undefined {
  const paths = Object.keys(model.applications);
  if (paths.length === 0) return undefined;
  return element(
    "deployments",
    {},
    paths.map((path) =>
      element(
        "deployment",
        { name: deploymentName(path), "runtime-name": deploymentName(path) },
        element("fs-archive", { path: deploymentFile(model, path) }),
      ),
    ),
  );
}

export function deploymentFile({ name, applications, cluster }: WildFlyModel, path: string): string {
  return fittedFile(wildflyLayout(name), path, applications[path]!, cluster !== undefined).used;
}
