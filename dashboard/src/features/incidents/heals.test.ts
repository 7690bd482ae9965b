import { expect, test } from "vitest";
import { moments } from "@/features/incidents/heals";

const heal = {
  number: 1,
  runbook_id: "ssh_config.harden",
  attempted_at: "2026-11-21T09:00:00.000Z",
  healed_at: "2026-11-21T09:00:04.000Z",
  watched_until: "2026-11-21T09:15:04.000Z",
  ended: null,
  ended_at: null,
};
const END = "2026-11-21T09:15:05.000Z";

test("a heal under watch names the end of the watch, and claims no more", () => {
  expect(moments(heal).map(({ word, at }) => [word.label, at])).toEqual([
    ["Attempted", heal.attempted_at],
    ["Healed", heal.healed_at],
    ["Watched until", heal.watched_until],
  ]);
});

test("a stable one ends with the pass that came after the watch", () => {
  const told = moments({ ...heal, ended: "stable", ended_at: END });
  expect(told.map(({ word }) => word.label)).toEqual([
    "Attempted",
    "Healed",
    "Watched until",
    "Stable",
  ]);
  expect(told.at(-1)?.at).toBe(END);
});

test("one that a person had undone is told as that, and claims nothing", () => {
  const told = moments({ ...heal, ended: "undone", ended_at: END });
  expect(told.map(({ word }) => word.label)).toEqual(["Attempted", "Healed", "Undone"]);
});

test.each(["recurred", "unproved"] as const)("one that %s is told as open again", (ended) => {
  const told = moments({ ...heal, ended, ended_at: END });
  expect(told.map(({ word }) => word.label)).toEqual(["Attempted", "Healed", "Open again"]);
  expect(told.at(-1)?.says).toMatch(ended === "recurred" ? /false heal/ : /nothing shows if it lasted/);
});
