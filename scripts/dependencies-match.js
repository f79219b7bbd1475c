"use strict";
// Exits 0 when node_modules is what package-lock.json says, as after an `npm install` by hand, and 1 when `npm ci` is due.
const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);

function packages(lockfile) {
  const { packages } = JSON.parse(fs.readFileSync(path.join(root, lockfile), "utf8"));
  delete packages[""];
  return packages;
}

function matches() {
  if (!fs.existsSync(path.join(root, "node_modules", ".package-lock.json"))) return false;
  const wanted = packages("package-lock.json");
  const present = packages("node_modules/.package-lock.json");
  const same = (name) => present[name]?.version === wanted[name]?.version;
  return (
    Object.keys(present).every((name) => same(name) && fs.existsSync(path.join(root, name))) &&
    Object.keys(wanted).every((name) => same(name) || wanted[name].optional)
  );
}

process.exitCode = matches() ? 0 : 1;
