import { expect, test } from "vitest";
import { counted, scoreWords } from "@/ui/score";

const results = { pass: 29, fail: 2, unknown: 6, not_applicable: 3, accepted: 0 };
const score = { passed: 29, assessed: 31, unknown: 6, measured_hosts: 2, hosts: 3, accepted: 0 };

test("a score says what it is a share of and how many machines it covers", () => {
  expect(scoreWords(results, score)).toEqual({
    headline: "93 % of 31 results",
    detail: "1 of 3 machines not measured",
    isEnough: true,
  });
});

test("a failure is never rounded up to 100 %", () => {
  const many = { passed: 999, assessed: 1000, unknown: 0, measured_hosts: 3, hosts: 3, accepted: 0 };
  const words = scoreWords({ pass: 999, fail: 1, unknown: 0, not_applicable: 0, accepted: 0 }, many);
  expect(words.headline).toBe("99 % of 1000 results");
});

test("under half of the machines measured is too little", () => {
  const words = scoreWords(results, { ...score, measured_hosts: 1 });
  expect(words.headline).toBe("Too little measured");
  expect(words.detail).toBe("29 of 31 passed; 2 of 3 machines not measured");
});

test("more unknown than known results is too little", () => {
  const words = scoreWords({ pass: 3, fail: 1, unknown: 20, not_applicable: 0, accepted: 0 }, {
    passed: 3,
    assessed: 4,
    unknown: 20,
    measured_hosts: 3,
    hosts: 3,
    accepted: 0,
  });
  expect(words.isEnough).toBe(false);
});

test("no data is said, not scored", () => {
  const none = { pass: 0, fail: 0, unknown: 5, not_applicable: 0, accepted: 0 };
  expect(scoreWords(none, null).headline).toBe("Nothing measured yet");
  expect(scoreWords(none, null).detail).toBe("no machine has reported");
  expect(scoreWords(none, { ...score, assessed: 0, passed: 0 }).headline).toBe(
    "Nothing measured yet",
  );
});

test("one is singular", () => {
  expect(counted(1, "entry", "entries")).toBe("1 entry");
  expect(counted(1284, "entry", "entries")).toBe("1,284 entries");
});

test("accepted failures stand beside the score and change nothing in it", () => {
  const plain = scoreWords(results, score);
  const beside = scoreWords({ ...results, accepted: 2 }, { ...score, accepted: 2 });
  expect(beside.headline).toBe(plain.headline);
  expect(beside.detail).toBe(`${plain.detail}; 2 failures accepted`);
});
