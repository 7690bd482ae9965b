import { expect, test } from "vitest";
import { reach, subject } from "@/features/brakes/stop-words";

test("a rule is named by its revision, a runbook by the beginning of its digest", () => {
  expect(subject({ kind: "rule", title: "nights", version: "7" })).toBe("Rule nights, revision 7");
  expect(subject({ kind: "runbook", title: "Harden SSH", version: "ab".repeat(32) })).toBe(
    "Harden SSH, version abababababab",
  );
});

test("where it is stopped is said: everywhere, or at the appliance that did it", () => {
  expect(reach({ appliance_id: null, appliance_name: null, site_name: null })).toBe("at all sites");
  expect(reach({ appliance_id: "appl_x", appliance_name: "box", site_name: "Elm St" })).toBe(
    "at Elm St, whose appliance box stopped it itself,",
  );
});
