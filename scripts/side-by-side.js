"use strict";
// Runs each list of test files (an argument each, a file a line) in a Mocha of its own, all at once: most of the tests' time is
// waiting. Shows the first one's output as it comes and the others' after it, then what failed in any, then the counts of all.
const { spawn } = require("node:child_process");

const [command, ...first] = [process.execPath, "node_modules/mocha/bin/mocha.js"];
const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m;

function run(files, live) {
  const child = spawn(command, [...first, ...files.split("\n").filter(Boolean)], { stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  const hear = (chunk) => {
    output.push(chunk);
    if (live) process.stdout.write(chunk);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, text: Buffer.concat(output).toString() }));
  });
}

/** What the reporter lists as failed. */
function failures(text) {
  return /\nFailed\n([^]*?)\n(?=Skipped\n|Slowest\n|\d+ passed, )/.exec(text)?.[1] ?? "";
}

async function main(lists) {
  const results = await Promise.all(lists.map((files, at) => run(files, at === 0)));
  for (const { text } of results.slice(1)) process.stdout.write(text);
  const failed = results.map(({ text }) => failures(text)).join("");
  if (failed !== "") console.log(`\nAll that failed\n${failed}`);
  const totals = [0, 0, 0];
  for (const { text } of results) {
    // One that did not come to its counts failed as a whole.
    const [, ...numbers] = counts.exec(text.slice(text.lastIndexOf("\n\n"))) ?? [undefined, 0, 1, 0];
    for (const [at, number] of numbers.entries()) totals[at] += Number(number);
  }
  const [passed, broken, skipped] = totals;
  console.log(`\n${passed} passed, ${broken} failed, ${skipped} skipped`);
  process.exitCode = results.find(({ code }) => code !== 0)?.code ?? 0;
}

void main(process.argv.slice(2));
