import { expect, test } from "vitest";
import { dayAfter, endOf, proposed } from "@/features/deviations/until";

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
