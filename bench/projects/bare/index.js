"use strict";
// What Pulumi itself takes for as many resources as a tier has, in the same tree: their provider does nothing.
const pulumi = require("@pulumi/pulumi");
const { count } = JSON.parse(process.env.BENCH);

const provider = {
  check: async (_olds, inputs) => ({ inputs }),
  diff: async () => ({ changes: false }),
  create: async (inputs) => ({ id: "bare", outs: inputs }),
};

class Bare extends pulumi.dynamic.Resource {
  constructor(name, props, opts) {
    super(provider, name, props, opts);
  }
}

class Part extends pulumi.ComponentResource {
  constructor(name, opts) {
    super("bench:index:Part", name, {}, opts);
  }
}

const host = new Part("host");
for (const name of ["facts", "pool", "network", "image"]) new Bare(name, { name }, { parent: host });
const tier = new Part("tier");
for (let at = 1; at <= count; at++) {
  const guest = new Part(`guest-${at}`, { parent: tier });
  const filter = new Bare(`filter-${at}`, { at }, { parent: guest });
  const root = new Bare(`root-${at}`, { at }, { parent: guest });
  const domain = new Bare(`domain-${at}`, { filter: filter.id, root: root.id }, { parent: guest });
  new Bare(`server-${at}`, { domain: domain.id }, { parent: tier });
}
