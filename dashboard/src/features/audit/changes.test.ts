import { expect, test } from "vitest";
import { changes } from "@/features/audit/changes";

test("what differs comes first, whatever the depth, and both sides are shown", () => {
  const before = { name: "A", hours: [{ start: "08:00" }], gone: true };
  const after = { name: "A", hours: [{ start: "09:00" }], made: {} };
  expect(changes(before, after)).toEqual([
    { path: "hours.0.start", before: "08:00", after: "09:00" },
    { path: "gone", before: "true", after: null },
    { path: "made", before: null, after: "{}" },
    { path: "name", before: "A", after: "A" },
  ]);
});

test("a deed that made something has no before", () => {
  expect(changes(null, { size: 3 })).toEqual([{ path: "size", before: null, after: "3" }]);
  expect(changes(null, null)).toEqual([]);
});
