import { expect, test } from "vitest";
import { deeds } from "@/features/incidents/deeds";

const escalated = { state: "escalated", runbook_id: "ssh_config.harden", heals: [], decision: null } as const;
const incident = { ...escalated, heals: [] };

test("what a person has on hand depends on where the incident stands", () => {
  expect(deeds(incident, false)).toEqual({ retry: true, hold: true, held: "ssh_config.harden" });
  expect(deeds({ ...incident, state: "waiting" }, false).retry).toBe(false);
  expect(deeds({ ...incident, state: "healed" }, false)).toMatchObject({ retry: false, hold: true });
  expect(deeds({ ...incident, state: "observing" }, false).hold).toBe(false);
});

test("what somebody has accepted is not tried again", () => {
  expect(deeds({ ...incident, state: "open", decision: { code: "accepted" } }, false).retry).toBe(false);
  expect(deeds({ ...incident, state: "open", decision: { code: "no_match" } }, false).retry).toBe(true);
});

test("under a hold nothing is tried again and nothing is held twice", () => {
  expect(deeds(incident, true)).toMatchObject({ retry: false, hold: false });
});

test("without a run the last heal says what a hold would keep off", () => {
  const heal = { runbook_id: "a.one" } as Parameters<typeof deeds>[0]["heals"][number];
  expect(deeds({ ...incident, runbook_id: null, heals: [heal] }, false).held).toBe("a.one");
  expect(deeds({ ...incident, runbook_id: null }, false).held).toBeNull();
});
