"use strict";
// Loaded before Pulumi's Node SDK in every Node process of a run (NODE_OPTIONS=--require, see environment.sh): keeps out
// of the start of the program and of the plugin what they do not use. That is half of an empty preview's processor time, and
// more than half of one with 40 resources; bench/environments.ts measures it.
//
// Every rule names a module of the SDK by the place that requires it. Where another version of the SDK has moved one,
// that part starts the SDK's own way.
const Module = require("node:module");

// Language hosts built from the SDK's Go module ask for ts-node whatever Pulumi.yaml says; programs here are compiled.
delete process.env.PULUMI_NODEJS_TYPESCRIPT;

// [what is required, by which file]: loaded at first use instead of at start.
const late = [
  // Both serialise the closures of pulumi.dynamic.Resource.
  [/^typescript$/, /typescript-shim\.js$/],
  [/^@npmcli\/arborist$|^normalize-package-data$/, /closure[\\/]codePaths\.js$/],
  // `pulumi --tracing`
  [/^@opentelemetry\/(?!api$)/, /cmd[\\/]run[\\/]tracing\.js$/],
  [/^\.\/(automation|provider)$/, /@pulumi[\\/]pulumi[\\/]index\.js$/],
];

/** A module whose exports are loaded when one of them is called, constructed or looked into. */
function lateModule(load) {
  let module;
  const loaded = () => (module ??= load());
  return new Proxy({}, { get: (_, name) => (name === "__esModule" ? true : lateExport(loaded, name)) });
}

function lateExport(loaded, name) {
  return new Proxy(function () {}, {
    get: (_, property) => loaded()[name][property],
    apply: (_, receiver, args) => loaded()[name](...args),
    construct: (_, args) => new (loaded()[name])(...args),
  });
}

/** The SDK keeps a stack trace for every promise it makes; only PULUMI_DEBUG_PROMISE_LEAKS reads them. */
function withoutStack(debuggablePromise) {
  return function (...args) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(...args);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
}

/**
 * Maps stack traces to the sources, but not those that nobody reads: the SDK's book-keeping makes errors without a
 * message, and gRPC's own errors pass through no code of the program.
 */
function mapStackTraces(load) {
  let mapped;
  const packaged = (frame) => /^node:|[\\/]node_modules[\\/]/.test(frame.getFileName() ?? "node:");
  Error.prepareStackTrace = function prepareStackTrace(error, frames) {
    if (!error.message || frames.every(packaged)) return [error, ...frames].join("\n    at ");
    if (!mapped) {
      load();
      mapped = Error.prepareStackTrace;
      Error.prepareStackTrace = prepareStackTrace;
    }
    return mapped(error, frames);
  };
  return {};
}

const originalLoad = Module._load;
Module._load = function (request, parent) {
  const from = parent?.filename ?? "";
  if (!/[\\/]@pulumi[\\/]pulumi[\\/]/.test(from)) return originalLoad.apply(this, arguments);
  const load = () => originalLoad.call(this, request, parent, false);
  if (late.some(([what, where]) => what.test(request) && where.test(from))) return lateModule(load);
  if (request === "source-map-support/register") return mapStackTraces(load);
  const module = load();
  if (/[\\/]debuggable$/.test(request) && !process.env.PULUMI_DEBUG_PROMISE_LEAKS && !module.stackless) {
    Object.defineProperty(module, "stackless", { value: true });
    module.debuggablePromise = withoutStack(module.debuggablePromise);
  }
  // The debugger session that serialising closures needs is opened when it first asks for it.
  if (/closure[\\/]v8Hooks$/.test(request)) return { ...module, isInitializedAsync: async () => undefined };
  return module;
};
