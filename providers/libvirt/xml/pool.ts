import { attribute, element, parse, serialize, text } from "./document";

/** The parts of libvirt's storage pool document that the product sets (https://libvirt.org/formatstorage.html). */
export interface PoolModel {
  name: string;
  uuid?: string;
  /** "dir" for a folder of files. */
  type: string;
  /** Where the volumes are on the host. */
  path?: string;
}

/** The document of a new pool; with a UUID, of the pool that has it. */
export function poolXML({ name, uuid, type, path }: PoolModel): string {
  return serialize(
    element(
      "pool",
      { type },
      element("name", {}, name),
      uuid !== undefined && element("uuid", {}, uuid),
      path !== undefined && element("target", {}, element("path", {}, path)),
    ),
  );
}

/** The pool that a document describes. */
export function parsePool(xml: string): PoolModel {
  const root = parse(xml);
  const model: PoolModel = {
    name: text(root, "name") ?? "",
    uuid: text(root, "uuid"),
    type: attribute(root, "type") ?? "",
    path: text(root, "target", "path"),
  };
  if (model.uuid === undefined) delete model.uuid;
  if (model.path === undefined) delete model.path;
  return model;
}
