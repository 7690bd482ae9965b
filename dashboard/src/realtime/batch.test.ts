import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Batch, ROUND_MS_MAX, ROUND_MS_MIN } from "@/realtime/batch";
import type { QueryKey } from "@/realtime/kinds";
import { EVERYTHING } from "@/realtime/place";

let isHidden = false;
let rounds: QueryKey[][] = [];
let end: () => void = () => undefined;

beforeEach(() => {
  vi.useFakeTimers();
  isHidden = false;
  rounds = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function batch(): Batch {
  const fetchAgain = (keys: QueryKey[]) => {
    rounds.push(keys);
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  };
  return new Batch(fetchAgain, () => isHidden);
}

test("changes of one moment are one round, and each query is fetched once", async () => {
  const one = batch();
  one.add([["fleet"], ["site", "s1"]]);
  one.add([["fleet"]]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN - 1);
  expect(rounds).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toEqual([[["fleet"], ["site", "s1"]]]);
});

test("what comes during a round waits for its end: a slow server is asked no faster", async () => {
  const one = batch();
  one.add([["fleet"]]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN);
  one.add([["holds"]]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN * 5);
  expect(rounds).toHaveLength(1);
  end();
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN);
  expect(rounds[1]).toEqual([["holds"]]);
});

test("a request that hangs holds nothing up for good", async () => {
  const one = batch();
  one.add([["fleet"]]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN);
  one.add([["holds"]]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MAX + ROUND_MS_MIN);
  expect(rounds[1]).toEqual([["holds"]]);
});

test("everything swallows the rest", async () => {
  const one = batch();
  one.add([["fleet"], EVERYTHING]);
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN);
  expect(rounds).toEqual([[EVERYTHING]]);
});

test("a hidden tab asks for nothing, and catches up in one round when it is shown", async () => {
  const one = batch();
  isHidden = true;
  for (let index = 0; index < 100; index++) one.add([["fleet"], ["site", `s${index % 2}`]]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rounds).toEqual([]);
  isHidden = false;
  one.schedule();
  await vi.advanceTimersByTimeAsync(ROUND_MS_MIN);
  expect(rounds).toEqual([[["fleet"], ["site", "s0"], ["site", "s1"]]]);
});

test("after its end nothing is fetched", async () => {
  const one = batch();
  one.add([["fleet"]]);
  one.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rounds).toEqual([]);
});
