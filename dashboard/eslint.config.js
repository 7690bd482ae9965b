import { readdirSync } from "node:fs";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));
const LINES_MAX = 250;

// Calls go down: app → routes → features → shared (api, realtime, ui); features do not know each other.
const refuse = (group, message) => [
  "error",
  { patterns: [{ group, message }, { group: ["../*"], message: "Import with @/ from the top." }] },
];

export default tseslint.config(
  { ignores: ["node_modules", "dist", "src/api/schema.d.ts"] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    files: ["**/*.{ts,tsx,js,mjs}"],
    rules: {
      "max-lines": ["error", { max: LINES_MAX, skipBlankLines: false, skipComments: false }],
      "no-console": "error",
      eqeqeq: "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "jsx-a11y/no-autofocus": "off",
    },
  },
  {
    files: ["src/api/**", "src/ui/**", "src/realtime/**"],
    rules: {
      "no-restricted-imports": refuse(
        ["@/features/**", "@/routes/**", "@/app/**"],
        "Shared code knows nothing above it.",
      ),
    },
  },
  ...features.map((name) => ({
    files: [`src/features/${name}/**`],
    rules: {
      "no-restricted-imports": refuse(
        [
          "@/routes/**",
          "@/app/**",
          ...features.filter((other) => other !== name).map((other) => `@/features/${other}/**`),
        ],
        "A feature imports shared code only; routes bring features together.",
      ),
    },
  })),
  {
    files: ["src/routes/**"],
    rules: { "no-restricted-imports": refuse(["@/app/**"], "Routes know nothing above them.") },
  },
);
