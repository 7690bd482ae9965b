import { expect, test } from "vitest";
import type { Runbook } from "@/api/types";
import { how, unshown, where } from "@/features/runbooks/stops";

const hold: Runbook["stops"][number] = {
  kind: "hold",
  id: "hold_1",
  other_version: null,
  site_id: "site_1",
  site_name: "Elm St",
  host_id: "host_1",
  host_name: "reception",
  check: "ssh_config",
  incident_id: null,
  since: "2026-11-26T09:00:00Z",
  reason: "the vendor is at it",
};
const brake = { ...hold, kind: "brake" as const, host_id: null, host_name: null };

test("a hold is about a host, the brake about a site's appliance or about all sites", () => {
  expect(where(hold)).toBe("reception, Elm St");
  expect(where({ ...hold, host_name: null })).toBe("host_1, Elm St");
  expect(where(brake)).toBe("Elm St, by its appliance itself");
  expect(where({ ...brake, site_id: null, site_name: null })).toBe("all sites");
});

test("what stops another version says which, and is not counted as a stop of this one", () => {
  const other = { ...brake, other_version: "ab".repeat(32) };
  expect([hold, brake, other].map(how)).toEqual([
    "on hold",
    "stopped",
    "only version abababababab is stopped",
  ]);
  expect(unshown({ stops: [hold, other], stopped: 1 })).toBe(0);
  expect(unshown({ stops: [hold, other], stopped: 60 })).toBe(59);
});
