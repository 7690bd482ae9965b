import { expect, test } from "vitest";
import type { Deviation } from "@/api/types";
import { hosts, standing } from "@/features/deviations/stands";

const one = {
  state: "in_force",
  ending: false,
  hosts: 3,
  accepted: 2,
  changed: 0,
  passing: 1,
} as Deviation;

test("what has changed is said before what ends soon", () => {
  expect(standing(one).label).toBe("Accepted");
  expect(standing({ ...one, ending: true }).label).toBe("Ends soon");
  expect(standing({ ...one, ending: true, changed: 1 }).label).toBe("Changed");
  expect(standing({ ...one, state: "revoked", changed: 1 }).label).toBe("Revoked");
});

test("its hosts are counted by what they are now", () => {
  expect(hosts(one)).toBe("2 of 3 hosts as accepted, 1 passing");
  expect(hosts({ ...one, changed: 1, passing: 0 })).toBe(
    "2 of 3 hosts as accepted, 1 failing otherwise",
  );
});
