import { expect, test } from "vitest";
import type { Incident } from "@/api/types";
import { headline } from "@/features/incidents/headline";
import { tell } from "@/features/incidents/story";

const NOW = new Date(2026, 10, 21, 9, 30);
const CLOSED = new Date(2026, 10, 21, 9, 12).toISOString();

const incident: Incident = {
  site_id: "site_1",
  site_name: "Larkspur",
  id: "inc_1",
  host_id: "host_1",
  host_name: "frontdesk",
  check: "ssh_config",
  severity: "high",
  state: "open",
  resolution_level: null,
  outcome: null,
  opened_at: CLOSED,
  closed_at: null,
  summary: "PermitRootLogin is yes; it must be no",
  verdict: null,
  code: null,
  would_verdict: null,
  runbook_id: null,
  watched_until: null,
  heals: [],
  undo_until: null,
  before: { outcome: "fail", summary: "PermitRootLogin is yes; it must be no" },
  after: null,
  decision: null,
  runbook: null,
  actions: [],
  bundles: [],
};
const runbook = { id: "ssh_config.harden", version: "1", digest: "ab", risk: "medium" };

function says(part: Partial<Incident>, isHostObserved = false): string {
  const whole = { ...incident, ...part };
  return headline(whole, tell(whole), NOW, isHostObserved);
}

test("healed names the moment and the words of the second measurement", () => {
  const after = { outcome: "pass", summary: "All 6 settings are as they must be", measured_at: CLOSED };
  const healed = { state: "healed", closed_at: CLOSED, after, runbook } as const;
  const words = "Repaired and measured again at 09:12: All 6 settings are as they must be.";
  expect(says(healed)).toBe(words);
  const ahead = new Date(2026, 10, 21, 9, 40).toISOString();
  expect(says({ ...healed, watched_until: ahead })).toBe(`${words} Watched until 09:40.`);
  expect(says({ ...healed, watched_until: CLOSED })).toBe(
    `${words} Watched until 09:12; no measurement since then shows that it lasted.`,
  );
});

test("stable says when it was repaired and what lasted", () => {
  const after = { outcome: "pass", summary: "All 6 settings are as they must be" };
  expect(says({ state: "stable", closed_at: CLOSED, after, runbook })).toBe(
    "Repaired at 09:12, and it lasted: All 6 settings are as they must be.",
  );
});

test("one that drifted again names the repair that did not last", () => {
  const heal = {
    number: 1,
    runbook_id: "ssh_config.harden",
    attempted_at: CLOSED,
    healed_at: CLOSED,
    watched_until: CLOSED,
    ended: "recurred",
    ended_at: CLOSED,
  } as const;
  expect(says({ state: "open", heals: [heal] })).toBe(
    "Open again at 09:12: the repair by ssh_config.harden did not last. PermitRootLogin is yes; it must be no.",
  );
});

test.each([
  ["run", "it would have run ssh_config.harden."],
  ["ask", "it would have asked for an approval to run ssh_config.harden."],
  ["offer", "it would have offered ssh_config.harden to a person."],
])("observing says what would have happened: %s", (verdict, end) => {
  const decision = { verdict: "block", code: "observing", trace: [], would: { verdict, code: "allowed" } };
  expect(says({ state: "observing", decision, runbook })).toBe(
    `Nothing was changed: this site is observing; ${end}`,
  );
});

test("an observed host is not mistaken for an observing site", () => {
  expect(says({ state: "observing" }, true)).toBe(
    "Nothing was changed: this host is only observed; no repair is known for it.",
  );
});

test("observing without a remedy promises nothing", () => {
  expect(says({ state: "observing" })).toBe(
    "Nothing was changed: this site is observing; no repair is known for it.",
  );
});

test("a block says why", () => {
  const decision = { verdict: "block", code: "outside_window", trace: [] };
  expect(says({ decision, runbook })).toBe(
    "Nothing was changed: the repair is blocked because its window is closed.",
  );
});

test("waiting names who must agree", () => {
  const decision = { verdict: "ask", code: "approval_needed", approverRoles: ["owner", "manager"], trace: [] };
  expect(says({ state: "waiting", decision, runbook })).toBe(
    "Waiting for an approval: ssh_config.harden may run once the owner or manager agrees.",
  );
  expect(says({ state: "waiting", decision: { ...decision, verdict: "offer" }, runbook })).toBe(
    "Waiting for a person: ssh_config.harden is offered, and runs only when someone starts it.",
  );
});

test("a failed repair is never told as a success", () => {
  const undone = [{ step: "set", undone: true }];
  expect(says({ state: "failed", actions: undone, runbook })).toBe(
    "The repair failed and was undone: ssh_config.harden did not get through.",
  );
  const after = { outcome: "fail", summary: "PermitRootLogin is still yes" };
  expect(says({ state: "failed", after, runbook })).toContain("PermitRootLogin is still yes.");
});

test("an incident that nobody decided yet says what was measured", () => {
  expect(says({})).toBe("Open: PermitRootLogin is yes; it must be no.");
});
