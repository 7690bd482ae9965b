import { expect, test } from "vitest";
import { dayAfter, endOf, lastDay, proposed, renewal, renewedFrom } from "@/features/deviations/until";

const NOW = new Date(2026, 10, 25, 12, 0);

test("a day counts to its end, on this machine's clock", () => {
  expect(endOf("2026-12-31")).toBe(new Date(2027, 0, 1).toISOString());
  expect(endOf("soon")).toBeNull();
  expect(endOf("")).toBeNull();
});

test("a quarter of a year is proposed", () => {
  expect(proposed(NOW)).toBe("2027-02-23");
  expect(dayAfter(NOW, 1)).toBe("2026-11-26");
});

const SPAN_MS_MAX = 366 * 86_400_000;

test("the last day that can be picked is one that Central takes", () => {
  for (const at of [NOW, new Date(2026, 10, 25, 0, 0), new Date(2026, 10, 25, 23, 59)]) {
    const end = new Date(endOf(lastDay(at)) ?? "").getTime();
    expect(end).toBeLessThanOrEqual(at.getTime() + SPAN_MS_MAX);
  }
});

test("a renewal that is proposed ends later than what stands", () => {
  const soon = new Date(2026, 11, 1);
  expect(renewal(soon, NOW)).toBe(proposed(NOW));
  const far = new Date(2027, 5, 1);
  expect(renewal(far, NOW)).toBe("2027-06-01");
  expect(new Date(endOf(renewedFrom(far)) ?? "").getTime()).toBeGreaterThan(far.getTime());
});

test("what lasts as long as may be is not renewed", () => {
  expect(renewal(new Date(endOf(lastDay(NOW)) ?? ""), NOW)).toBeNull();
});
