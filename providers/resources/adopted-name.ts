import * as pulumi from "@pulumi/pulumi";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The physical name where the program gives none: the adopted object's, when it is named, else the resource's own. */
export function adoptedName(adopt: pulumi.Input<string> | undefined, name: string): pulumi.Input<string> {
  if (adopt === undefined) return name;
  return pulumi.output(adopt).apply((key) => (uuid.test(key) ? name : key));
}
