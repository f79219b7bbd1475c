// Looks at a host for everything that would make an environment on it fail later, and changes nothing:
//
//   npm run doctor -- [--connection URI] [--subnet CIDR]... [--directory PATH]... [--images] [--lxc]
//
// The connection is qemu:///system unless it is given. A subnet is checked as that of a network called doctor; images and
// lxc look for what builds of images and containers need. Exits 0 without problems, 1 with some, 2 on wrong arguments.
import { parseArgs } from "node:util";
import * as v from "valibot";
import { diagnosisText } from "../providers/host/diagnosis-text";
import { diagnose } from "../providers/host/doctor";
import { hostSchema } from "../providers/schema/host";

function options(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      connection: { type: "string" },
      subnet: { type: "string", multiple: true },
      directory: { type: "string", multiple: true },
      images: { type: "boolean" },
      lxc: { type: "boolean" },
    },
  });
  const parsed = v.safeParse(hostSchema, {
    connection: values.connection,
    subnets: values.subnet?.map((subnet) => ({ name: "doctor", subnet })),
    directories: values.directory,
    needs: { images: values.images, lxc: values.lxc },
  });
  if (!parsed.success) throw new TypeError(parsed.issues.map(({ message }) => message).join("\n"));
  return parsed.output;
}

async function main(): Promise<number> {
  let target;
  try {
    target = options(process.argv.slice(2));
  } catch (error) {
    console.error(`doctor: ${(error as Error).message}`);
    return 2;
  }
  const diagnosis = await diagnose(target);
  console.log(diagnosisText(diagnosis));
  return diagnosis.errors.length > 0 ? 1 : 0;
}

void main().then((code) => process.exit(code));
