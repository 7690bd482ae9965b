import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import type { AuditRecord } from "@/api/types";
import { RecordDrawer } from "@/features/audit/RecordDrawer";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

const RECORD: AuditRecord = {
  seq: 7,
  at: "2026-11-21T09:00:00.000Z",
  actor_kind: "user",
  actor: "user_1",
  actor_name: "Mia",
  address: "192.0.2.7",
  site_id: "site_1",
  site_name: "Clinic",
  action: "site.settings",
  subject: "site_1",
  reason: "moved",
  proved: true,
  before: { zone: "UTC", token: "[redacted]" },
  after: { zone: "Europe/Berlin", token: "[redacted]" },
  leaf: '{"action":"site.settings"}',
  leaf_hash: "ab".repeat(32),
  row_stands: true,
  proof: { size: 12, path: ["cd".repeat(32), "ef".repeat(32)] },
  checkpoint: "wardline.local/audit/inst/partner/g1\n12\nroot\n",
};

function show(changes: Partial<AuditRecord> = {}) {
  network.mockImplementation(() => Promise.resolve(Response.json({ ...RECORD, ...changes })));
  const close = vi.fn<() => void>();
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={makeQueryClient()}>
        <RecordDrawer seq={7} close={close} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return close;
}

test("a record shows who, what changed and its proof", async () => {
  const close = show();
  expect(await screen.findByText("Mia (user_1)")).toBeTruthy();
  expect(new URL(network.mock.calls[0]?.[0].url ?? "").pathname).toBe("/api/v1/audit/7");
  const row = screen.getByRole("row", { name: "zone UTC Europe/Berlin" });
  expect(row.hasAttribute("data-differs")).toBe(true);
  expect(screen.getByText("Proved")).toBeTruthy();
  const path = screen.getByRole("list", { name: "Proof path" });
  expect(within(path).getAllByRole("listitem")).toHaveLength(2);
  expect(screen.getByText("Leaf 6 of the tree of size 12, 2 hashes")).toBeTruthy();
  expect(screen.queryByRole("alert")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Close the record" }));
  expect(close).toHaveBeenCalledOnce();
});

test("a record whose row was altered says so before anything else", async () => {
  show({ row_stands: false });
  expect((await screen.findByRole("alert")).textContent).toContain("changed the database");
  expect(screen.getByText("Altered since")).toBeTruthy();
});

test("a record that no checkpoint covers yet claims no proof", async () => {
  show({ proved: false, proof: null, checkpoint: null, before: null, after: null });
  expect(await screen.findByText("Not signed yet")).toBeTruthy();
  expect(screen.queryByRole("list", { name: "Proof path" })).toBeNull();
  expect(screen.getByText(/The action says it all/)).toBeTruthy();
});
