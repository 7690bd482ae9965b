import { expect, test } from "vitest";
import { deeds } from "@/features/incidents/deeds";

const incident = { state: "escalated" as const, holdable: ["ssh_config.harden"], decision: null };

test("what a person has on hand depends on where the incident stands", () => {
  expect(deeds(incident, false)).toEqual({ retry: true, hold: true });
  expect(deeds({ ...incident, state: "waiting" }, false).retry).toBe(false);
  expect(deeds({ ...incident, state: "healed" }, false)).toEqual({ retry: false, hold: true });
  expect(deeds({ ...incident, state: "observing" }, false).hold).toBe(false);
});

test("what somebody has accepted is not tried again", () => {
  expect(deeds({ ...incident, state: "open", decision: { code: "accepted" } }, false).retry).toBe(false);
  expect(deeds({ ...incident, state: "open", decision: { code: "no_match" } }, false).retry).toBe(true);
});

test("under a hold nothing is tried again and nothing is held twice", () => {
  expect(deeds(incident, true)).toEqual({ retry: false, hold: false });
});

test("where no repair is known there is none to hold", () => {
  expect(deeds({ ...incident, holdable: [] }, false)).toEqual({ retry: true, hold: false });
});
