import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import type { Incident } from "@/api/types";
import { HoldDialog } from "@/features/incidents/HoldDialog";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

const SEVERAL = ["remote_access.require_keys", "remote_access.close"];

function show(holdable: string[]): unknown[] {
  const sent: unknown[] = [];
  network.mockImplementation(async (request) => {
    sent.push(await request.json());
    const headers = { "content-type": "application/json" };
    return new Response(JSON.stringify({ order_id: "ord_1" }), { status: 201, headers });
  });
  const incident = { site_id: "site_1", id: "inc_1", check: "remote_access", holdable };
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={makeQueryClient()}>
        <HoldDialog incident={incident as unknown as Incident} isOpen onClose={vi.fn()} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return sent;
}

function hold(): void {
  fireEvent.change(screen.getByLabelText(/^Reason/), { target: { value: "The vendor is at it" } });
  fireEvent.click(screen.getByRole("button", { name: "Hold" }));
}

test("of several repairs the first is proposed, and the one that is picked is held", async () => {
  const sent = show(SEVERAL);
  expect(screen.getByLabelText("Repair")).toHaveProperty("value", SEVERAL[0]);
  fireEvent.change(screen.getByLabelText("Repair"), { target: { value: SEVERAL[1] } });
  hold();
  await waitFor(() =>
    expect(sent).toEqual([{ reason: "The vendor is at it", runbook_id: SEVERAL[1] }]),
  );
});

test("where there is one repair it is the one that is held, and nothing is to pick", async () => {
  const sent = show(["ssh_config.harden"]);
  expect(screen.queryByLabelText("Repair")).toBeNull();
  hold();
  await waitFor(() =>
    expect(sent).toEqual([{ reason: "The vendor is at it", runbook_id: "ssh_config.harden" }]),
  );
});
