"use strict";
// Ends `npm start`: reads the stack's outputs from stdin (`pulumi stack output --json`), prints them, fetches the output
// `url` and prints what came back. Fails when the url does not answer with a success within `patience`.
const patience = 30_000;
const shownLines = 15;

function show(name, value, indent = "") {
  if (value !== null && typeof value === "object") {
    console.log(`${indent}${name}:`);
    for (const [key, inner] of Object.entries(value)) show(key, inner, `${indent}  `);
  } else {
    console.log(`${indent}${name}: ${value}`);
  }
}

async function fetchPage(url) {
  const started = performance.now();
  const response = await fetch(url, { signal: AbortSignal.timeout(patience) });
  const body = await response.text();
  const lines = body.trimEnd().split("\n");
  console.log(
    `\nGET ${url}: ${response.status} ${response.statusText}, ${Buffer.byteLength(body)} bytes ` +
      `in ${Math.round(performance.now() - started)} ms\n`,
  );
  for (const line of lines.slice(0, shownLines)) console.log(`  ${line}`);
  if (lines.length > shownLines) console.log(`  ... ${lines.length - shownLines} more lines`);
  if (!response.ok) throw new Error(`it answered ${response.status} ${response.statusText}`);
}

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const outputs = JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
  console.log("\nOutputs");
  for (const [name, value] of Object.entries(outputs)) show(name, value, "  ");
  if (typeof outputs.url !== "string") return;
  await fetchPage(outputs.url).catch((error) => {
    const reason = error.cause?.code ?? error.cause?.message ?? error.message;
    console.error(`\nthe environment is up, but ${outputs.url} did not answer as it should: ${reason}`);
    console.error("Fix: look at the guest's console (see the outputs above), then `npm start` again");
    process.exitCode = 1;
  });
}

main();
