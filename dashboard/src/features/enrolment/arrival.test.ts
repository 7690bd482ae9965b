import { expect, test } from "vitest";
import type { EnrolmentToken, EnrolmentTokens, Site } from "@/api/types";
import { arrival } from "@/features/enrolment/arrival";

const token = { id: "tok_1" } as EnrolmentToken;
const empty = { results: { pass: 0, fail: 0, unknown: 0, not_applicable: 0 } } as Site;
const measured = { results: { ...empty.results, fail: 1 } } as Site;
const row = { id: "tok_1", created_at: "", expires_at: "", used_at: null, used_by: null };
const used = { ...row, used_at: "2026-11-21T09:00:00Z", used_by: "appl_1" };
const tokens = (item: EnrolmentTokens["items"][number]): EnrolmentTokens => ({ items: [item] });

test("an unused token waits, whatever the site measured before", () => {
  expect(arrival(token, undefined, measured)).toEqual({ step: "waiting" });
  expect(arrival(token, tokens(row), measured)).toEqual({ step: "waiting" });
  expect(arrival(token, tokens({ ...used, id: "tok_2" }), measured)).toEqual({ step: "waiting" });
});

test("a used token has arrived, and has measured when there are results", () => {
  expect(arrival(token, tokens(used), empty)).toEqual({ step: "arrived", applianceId: "appl_1" });
  expect(arrival(token, tokens(used), measured).step).toBe("measured");
});
