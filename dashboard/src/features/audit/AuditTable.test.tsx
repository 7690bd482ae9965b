import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import type { AuditRow } from "@/api/types";
import { verifyCommand } from "@/features/audit/AuditLog";
import { AuditTable } from "@/features/audit/AuditTable";
import type { AuditFilter } from "@/features/audit/filter";

const ROW: AuditRow = {
  seq: 7,
  at: "2026-11-21T09:00:00.000Z",
  actor_kind: "user",
  actor: "user_1",
  actor_name: "Mia",
  address: "192.0.2.7",
  site_id: "site_1",
  site_name: "Clinic",
  action: "freeze.set",
  subject: "freeze_1",
  reason: "it misbehaves",
  proved: false,
};

test("who, what and where narrow the list, the number opens the record", async () => {
  const narrow = vi.fn<(by: AuditFilter) => void>();
  const open = vi.fn<(seq: number) => void>();
  render(
    <MantineProvider env="test">
      <AuditTable rows={[ROW]} narrow={narrow} open={open} />
    </MantineProvider>,
  );
  for (const name of ["Mia", "freeze.set", "Clinic", "7"]) {
    await userEvent.click(screen.getByRole("button", { name }));
  }
  expect(narrow.mock.calls).toEqual([
    [{ actor: "user_1" }],
    [{ action: "freeze.set" }],
    [{ site: "site_1" }],
  ]);
  expect(open).toHaveBeenCalledWith(7);
  expect(screen.getByText("Not signed yet")).toBeTruthy();
});

test("the command names the file that the export is saved as", () => {
  const origin = "wardline.local/audit/inst_1/partner_1/g1";
  expect(verifyCommand({ origin, checkpoint_size: 12 } as never)).toBe(
    "wardline audit verify audit-partner_1-12.zip --trust keys.txt --checkpoint kept.txt",
  );
});
