import { expect, test } from "vitest";
import { asProblem, fromBody, Problem } from "@/api/problem";

test("a problem document is read as it is", () => {
  const errors = [{ path: "zone", reason: "not a time zone" }, "noise"];
  const problem = fromBody(422, { title: "Refused", detail: "zone: no", code: "invalid", errors });
  expect(problem).toMatchObject({ status: 422, title: "Refused", message: "zone: no", code: "invalid" });
  expect(problem.errors).toEqual([{ path: "zone", reason: "not a time zone" }]);
});

test.each([null, "oops", [1], {}])("a body of another shape still names its status: %j", (body) => {
  expect(fromBody(502, body)).toMatchObject({ status: 502, code: "http_502" });
});

test("any error can be shown", () => {
  expect(asProblem(new Error("x is undefined"))).toBeInstanceOf(Problem);
  expect(asProblem(new Error("x is undefined")).message).toBe("x is undefined");
});
