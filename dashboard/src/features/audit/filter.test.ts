import { expect, test } from "vitest";
import { asked, filterOf, readAuditSearch } from "@/features/audit/filter";

test("a search is read from the URL, and what means nothing is left out", () => {
  expect(
    readAuditSearch({
      actor: "mia@example.com",
      action: "",
      subject: 17,
      site: "x".repeat(129),
      from: "2026-11-21",
      to: "2026-13-45",
      text: "scanner",
      record: "12",
      cursor: "abc",
      nonsense: true,
    }),
  ).toEqual({
    actor: "mia@example.com",
    subject: "17",
    from: "2026-11-21",
    text: "scanner",
    record: 12,
    cursor: "abc",
  });
  for (const record of ["0", "-1", "1.5", "x", "1e99"]) {
    expect(readAuditSearch({ record })).toEqual({});
  }
});

test("the page and the open record are no part of what is asked", () => {
  expect(filterOf({ text: "x", cursor: "c", record: 3 })).toEqual({ text: "x" });
});

test("the last day counts to its end", () => {
  const sent = asked({ from: "2026-11-21", to: "2026-11-21", text: "x" });
  expect(sent.text).toBe("x");
  const hours = (Date.parse(sent.until ?? "") - Date.parse(sent.from ?? "")) / 3_600_000;
  expect(hours).toBe(24);
});
