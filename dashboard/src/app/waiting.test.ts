import { expect, test } from "vitest";
import { waiting } from "@/app/waiting";

const list = (count: number, next: string | null = null) => ({
  items: Array.from({ length: count }),
  next_cursor: next,
});

test("what waits on a page is counted over all of its lists", () => {
  expect(waiting(list(2), list(1))).toBe("3");
  expect(waiting(list(0), list(1))).toBe("1");
  expect(waiting(list(50, "more"), list(1))).toBe("51+");
});

test("nothing is claimed of a list that is not there yet", () => {
  expect(waiting(undefined, list(1))).toBe("1");
  expect(waiting(undefined, undefined)).toBeNull();
  expect(waiting(list(0))).toBeNull();
});
