"use strict";
module.exports = {
  require: ["ts-node/register"],
  extension: ["ts"],
  reporter: "test/reporter.js",
  timeout: 10_000,
  slow: 500,
  // A run without tests is a mistake, and a handle that a test left open must not hold the run.
  failZero: true,
  forbidOnly: Boolean(process.env.CI),
  exit: true,
};
