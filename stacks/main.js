"use strict";
// The Pulumi program: the compiled stacks, rebuilt first when a source is newer than the build.
require("../scripts/build.js").ensureBuilt();
module.exports = require("../dist/program.js");
