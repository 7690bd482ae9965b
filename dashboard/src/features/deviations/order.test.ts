import { expect, test } from "vitest";
import type { Deviation } from "@/api/types";
import { inOrder } from "@/features/deviations/order";

const page = (...ids: string[]) => ({ items: ids.map((id) => ({ id }) as Deviation) });
const ids = (items: Deviation[]) => items.map(({ id }) => id);

test("what changed comes first, also where it is old and on a later page of the list", () => {
  expect(ids(inOrder(page("old", "b"), page("a", "b", "c"), true))).toEqual(["old", "b", "a", "c"]);
});

test("a later page repeats nothing, and has what the first did not show", () => {
  expect(ids(inOrder(page("old", "b"), page("d", "old", "e"), false))).toEqual(["d", "e"]);
});
