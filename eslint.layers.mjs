// The one direction of imports, as ESLint configurations:
//
//   stacks -> components -> providers/resources -> providers/dynamic, and at run time
//   providers/handlers -> app-server | backup | balancer | container | content | guest | host | host-network | image | postgres | rpm | tomcat | web-server -> libvirt | machine, with providers/schema below all of them.
//
// Types may come from any other part of providers/; values only from the parts named here. Nothing in providers/ knows
// components/ or stacks/, and only what runs inside a Pulumi program takes values from Pulumi's SDK.

const parts = [
  ...["resources", "dynamic", "handlers", "app-server", "backup", "balancer", "container"],
  ...["content", "guest", "host"],
  ...["host-network", "image", "libvirt", "machine", "postgres", "rpm", "schema", "tomcat", "web-server"],
];

// The values each part may take from other parts: a part's name, or some files of it.
const mayUse = {
  resources: ["content", "dynamic", "schema"],
  dynamic: ["schema"],
  handlers: [
    "app-server",
    ...["backup", "balancer", "container", "content", "guest", "host", "host-network", "image"],
    ...["libvirt", "machine", "postgres", "rpm", "schema", "tomcat", "web-server"],
    ...["contract", "declared", "diff", "errors", "mutex", "operation", "unknown"].map((file) => `dynamic/${file}`),
  ],
  backup: ["machine", "schema", "dynamic/errors"],
  balancer: ["content", "machine", "schema", "dynamic/errors"],
  content: ["machine", "dynamic/errors"],
  container: ["machine", "schema", "dynamic/errors"],
  guest: ["machine", "schema", "dynamic/errors"],
  host: ["libvirt", "machine", "schema", "dynamic/errors"],
  "host-network": ["machine", "schema", "dynamic/errors"],
  image: ["content/tar", "libvirt", "machine", "schema", "dynamic/errors"],
  libvirt: ["schema", "dynamic/errors"],
  machine: ["libvirt", "schema", "dynamic/errors"],
  schema: ["dynamic/errors"],
  "app-server": ["schema", "dynamic/errors"],
  postgres: ["machine", "schema", "dynamic/errors"],
  rpm: ["content/tar", "image", "libvirt/xml/document", "machine", "schema", "dynamic/errors"],
  tomcat: ["content/archive", "machine", "schema", "dynamic/errors", "libvirt/xml/document"],
  "web-server": ["content", "machine", "schema", "dynamic/errors"],
};

// Beside all of providers/resources, these take values from Pulumi's SDK.
const sdkFiles = { dynamic: ["providers/dynamic/resource.ts"] };

/** What imports like `<base>/<part>/...` must not name, when only these are allowed. */
function othersThan(own, allowed, base) {
  return parts
    .filter((part) => part !== own && !allowed.includes(part))
    .map((part) => {
      const files = allowed.filter((name) => name.startsWith(`${part}/`)).map((name) => name.slice(part.length + 1));
      return files.length > 0 ? `${base}${part}(?!/(${files.join("|")})$)(/|$)` : `${base}${part}(/|$)`;
    });
}

function restrict(files, ignores, restrictions) {
  return {
    files,
    ignores,
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { patterns: restrictions.map(({ regex, types, message }) => ({ regex, allowTypeImports: types, message })) },
      ],
      "no-restricted-syntax": [
        "error",
        ...restrictions.map(({ regex, message }) => ({
          selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\/")}/]`,
          message,
        })),
      ],
    },
  };
}

const upwards = {
  regex: "^(\\.\\./)+(components|stacks)(/|$)",
  types: false,
  message: "providers/ never knows what is built on it.",
};

const pulumi = {
  regex: "^@pulumi/pulumi(/|$)",
  types: true,
  message: "Only resources and components take values from Pulumi's SDK; a type is fine.",
};

/** A file is matched by one configuration, because a later one would replace the rule's options. */
function part(name, files, ignores, allowed, withPulumi) {
  const message = `providers/${name} takes values only from: ${allowed.join(", ")}. A type is fine.`;
  const sideways = othersThan(name, allowed, "^(\\.\\./)+").map((regex) => ({ regex, types: true, message }));
  return restrict(files, ignores, [...sideways, upwards, ...(withPulumi ? [] : [pulumi])]);
}

export const layers = [
  restrict(
    ["stacks/**/*.ts"],
    [],
    [
      {
        regex: "^(\\.\\./)+providers(/|$)",
        types: true,
        message: "An environment is made of components; export what it needs from components/index.ts.",
      },
    ],
  ),
  restrict(
    ["components/**/*.ts"],
    [],
    [
      ...othersThan("", ["resources", "schema"], "^(\\.\\./)+providers/").map((regex) => ({
        regex,
        types: true,
        message: "A component takes values only from providers/resources and providers/schema. A type is fine.",
      })),
      { regex: "^(\\.\\./)+stacks(/|$)", types: false, message: "Components never know the environments." },
    ],
  ),
  ...parts.flatMap((name) => {
    const allowed = mayUse[name];
    const exceptions = [
      ...(sdkFiles[name] ?? []).map((file) => part(name, [file], [], allowed, true)),
      // The one place where dispatch and the handlers meet.
      ...(name === "handlers"
        ? [part(name, ["providers/handlers/index.ts"], [], [...allowed, "dynamic/dispatch"], false)]
        : []),
    ];
    const exceptionFiles = exceptions.flatMap(({ files }) => files);
    return [part(name, [`providers/${name}/**/*.ts`], exceptionFiles, allowed, name === "resources"), ...exceptions];
  }),
];
