/** Mantine's theme: our colours, type and shapes; the values themselves are in ui/tokens.css. */
import { Button, type CSSVariablesResolver, createTheme, Modal, type MantineColorsTuple } from "@mantine/core";

const ward: MantineColorsTuple = [
  "#e9f4f0",
  "#d3e7e0",
  "#a7d0c3",
  "#7cc4b0",
  "#57a993",
  "#3b8f79",
  "#2b7564",
  "#1d5b4f",
  "#17493f",
  "#0f362f",
];

const dark: MantineColorsTuple = [
  "#e9ede8",
  "#b0bbb4",
  "#95a19a",
  "#6b7870",
  "#44524b",
  "#28332e",
  "#1d2723",
  "#161e1b",
  "#121917",
  "#0f1513",
];

export const theme = createTheme({
  colors: { ward, dark },
  primaryColor: "ward",
  primaryShade: { light: 7, dark: 3 },
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  headings: { fontFamily: "var(--serif)", fontWeight: "560" },
  defaultRadius: "md",
  focusRing: "auto",
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Modal: Modal.extend({
      styles: {
        title: { fontFamily: "var(--serif)", fontSize: "var(--text-xl)", fontWeight: 560 },
      },
    }),
    Button: Button.extend({
      vars: (_theme, { variant = "filled" }) => ({
        root:
          variant === "filled"
            ? {
                "--button-bg": "var(--brand)",
                "--button-hover": "var(--brand-hover)",
                "--button-color": "var(--on-brand)",
              }
            : {},
      }),
    }),
  },
});

const shared = {
  "--mantine-color-body": "var(--paper)",
  "--mantine-color-text": "var(--ink)",
  "--mantine-color-dimmed": "var(--ink-2)",
  "--mantine-color-default": "var(--surface)",
  "--mantine-color-default-hover": "var(--sunken)",
  "--mantine-color-default-border": "var(--line-strong)",
  "--mantine-color-placeholder": "var(--ink-3)",
  "--mantine-color-error": "var(--fail)",
  "--mantine-color-anchor": "var(--link)",
};

export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: shared,
  dark: shared,
});
