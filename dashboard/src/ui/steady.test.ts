import { renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import { settle } from "@/ui/steady";
import { stay, useStay } from "@/ui/stay";

const FIRST = settle(null, ["c", "b", "a"], false, 10);

test("what was there from the start is not new", () => {
  expect([...FIRST.since.values()]).toEqual([0, 0, 0]);
});

test("an arrival is shown, and since when is known", () => {
  const next = settle(FIRST, ["d", "c", "b", "a"], false, 50);
  expect(next.keys).toEqual(["d", "c", "b", "a"]);
  expect(next.since.get("d")).toBe(50);
  expect(settle(next, ["d", "c", "b"], false, 90).since.get("d")).toBe(50);
});

test("under the pointer nothing is put in, and what waits is counted", () => {
  const held = settle(FIRST, ["e", "d", "c", "b", "a"], true, 50);
  expect(held.keys).toEqual(["c", "b", "a"]);
  expect(held.waiting).toBe(2);
  const left = settle(held, ["e", "d", "c", "b", "a"], false, 60);
  expect(left.keys).toHaveLength(5);
  expect(left.waiting).toBe(0);
  expect(left.since.get("e")).toBe(60);
});

test("what left the list leaves it, held or not", () => {
  expect(settle(FIRST, ["c", "a"], true, 50).keys).toEqual(["c", "a"]);
});

test("another page is not a list of arrivals", () => {
  const other = settle(FIRST, ["z", "y"], true, 50);
  expect(other.keys).toEqual(["z", "y"]);
  expect([...other.since.values()]).toEqual([0, 0]);
});

test("a task that is done stays in its place; a new one comes last", () => {
  expect(stay([], ["b", "a"], [])).toEqual(["b", "a"]);
  expect(stay(["b", "a"], ["c", "a"], ["b"])).toEqual(["b", "a", "c"]);
});

test("a task that nobody knows any more is left out", () => {
  expect(stay(["b", "a"], ["a"], [])).toEqual(["a"]);
});

test("a task stays when the list of tasks knows of its end before the list of all does", () => {
  const task = (state: string) => ({ id: "a", state });
  const { result, rerender } = renderHook(
    ({ current, known }) => useStay(current, known, ({ id }) => id),
    { initialProps: { current: [task("active")], known: [task("active")] } },
  );
  rerender({ current: [task("clearing")], known: [task("active")] });
  expect(result.current.here).toEqual([task("clearing")]);
  rerender({ current: [], known: [task("clearing")] });
  expect(result.current.here).toEqual([task("clearing")]);
  rerender({ current: [], known: [task("cleared")] });
  expect(result.current).toEqual({ here: [task("cleared")], rest: [] });
});
