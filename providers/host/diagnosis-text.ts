import type { Diagnosis, Result } from "./doctor";
import { hostFacts } from "./facts";

/** A diagnosis as lines for a terminal: the host's facts, each check with its mark, and what to do. */
export function diagnosisText(diagnosis: Diagnosis): string {
  const { inspection, results, errors, warnings } = diagnosis;
  const facts = hostFacts(inspection);
  const parts =
    facts instanceof Error
      ? []
      : [
          facts.hostname,
          `libvirt ${facts.libvirtVersion}`,
          ...(facts.qemuVersion ? [`QEMU ${facts.qemuVersion}`] : []),
          `${facts.architecture}, ${facts.cpus} CPUs, ${(facts.memory / 2 ** 30).toFixed(1)} GiB`,
          ...(facts.accelerator ? [`${facts.accelerator} (${facts.acceleratorReason})`] : []),
          ...(facts.firewall ? [`${facts.firewall} rules`] : []),
        ];
  return [
    [inspection.target.connection, ...parts].join(", "),
    ...results.flatMap(lines),
    `${count(errors.length, "problem")}, ${count(warnings.length, "warning")}`,
  ].join("\n");
}

function lines({ check, findings, skipped }: Result): string[] {
  if (skipped !== undefined) return [`  skip  ${check}: ${skipped}`];
  if (findings.length === 0) return [`  ok    ${check}`];
  return findings.flatMap(({ level, problem, fix }) => [
    `  ${level === "error" ? "fail" : "warn"}  ${check}: ${problem}`,
    `        Fix: ${fix}`,
  ]);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
