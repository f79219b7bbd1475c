"use strict";
// What `import * as kvm from "pulumi-kvm"` loads: the compiled components, never a stale build.
require("../scripts/build.js").ensureBuilt();
module.exports = require("../dist/index.js");
