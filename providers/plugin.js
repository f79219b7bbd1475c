"use strict";
// What every resource's shell loads in Pulumi's dynamic provider process: the compiled handlers, never a stale build.
require("../scripts/build.js").ensureBuilt();
module.exports = require("../dist/plugin.js");
