import path from "node:path";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { layers } from "./eslint.layers.mjs";

const kebabCase = {
  create: (context) => ({
    Program(node) {
      const name = path.basename(context.filename);
      if (!/^[a-z0-9.-]+$/.test(name)) {
        context.report({ node, message: `The file's name ${name} is not in kebab case, as in nat-network.ts.` });
      }
    },
  }),
};

export default defineConfig(
  { ignores: ["**/node_modules/", "**/dist/", ".dist-*/", ".state/", ".cache/"] },
  ...tseslint.configs.recommended,
  {
    plugins: { project: { rules: { "kebab-case": kebabCase } } },
    rules: {
      "project/kebab-case": "error",
      "max-lines": ["warn", 400],
      "no-constant-condition": ["error", { checkLoops: "allExceptWhileTrue" }],
      eqeqeq: "error",
      // The types of generic procedures and outputs need both.
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-empty-object-type": "off",
    },
  },
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  // The plain JavaScript files are CommonJS: Node and Pulumi load them before anything could compile them.
  { files: ["**/*.js", "**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  ...layers,
);
