import { hostname } from "node:os";
import * as pulumi from "@pulumi/pulumi";

/**
 * Who makes an object: project, stack and resource, and the folder they are in. After an interrupted run the next one
 * knows by it what it had made; another clone of the project, with a state of its own, finds that the name is taken.
 */
export function ownerOf(resource: string): string {
  return `${pulumi.getProject()}/${pulumi.getStack()}/${resource} of ${hostname()}:${process.cwd()}`;
}
