import { expect, test } from "vitest";
import { confirmedWords, title } from "@/features/freezes/freeze-words";

test.each([
  [{ confirmed: 0, total: 0 }, "No appliance is enrolled here."],
  [{ confirmed: 0, total: 1 }, "0 of 1 appliance has confirmed."],
  [{ confirmed: 1, total: 1 }, "1 of 1 appliance has confirmed."],
  [{ confirmed: 1, total: 3 }, "1 of 3 appliances have confirmed."],
  [{ confirmed: 3, total: 3 }, "All 3 appliances have confirmed."],
])("who obeys is counted: %o", (counts, words) => {
  expect(confirmedWords(counts)).toBe(words);
});

test.each([
  [{ reach: "partner", site_name: null, appliance_name: null }, "Frozen: all sites"],
  [{ reach: "site", site_name: "Elm St", appliance_name: null }, "Frozen: Elm St"],
  [{ reach: "appliance", site_name: "Elm St", appliance_name: "box" }, "Frozen: box at Elm St"],
] as const)("what is frozen is named: %o", (freeze, words) => {
  expect(title(freeze)).toBe(words);
});
