import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { sessionKey } from "@/api/session";
import type { Incident } from "@/api/types";
import { StartButton } from "@/features/incidents/StartButton";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

function show(state: Incident["state"], verdict: string, permissions = ["orders"]): void {
  const incident = {
    site_id: "site_1",
    id: "inc_1",
    state,
    verdict,
    runbook_id: "firewall.enable",
  } as const;
  const queries = makeQueryClient();
  queries.setQueryData(sessionKey, { permissions });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <StartButton incident={incident} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("what the policy offers is started with a reason, and not without one", async () => {
  const sent: Request[] = [];
  const answer = JSON.stringify({ order_id: "ord_1", approval_id: null });
  network.mockImplementation(async (request) => {
    if (request.method === "POST") sent.push(request.clone());
    const headers = { "content-type": "application/json" };
    return new Response(request.method === "POST" ? answer : "{}", { status: 200, headers });
  });
  show("waiting", "offer");
  await userEvent.click(screen.getByRole("button", { name: "Start it…" }));
  const start = await screen.findByRole("button", { name: "Start it" });
  expect(start).toHaveProperty("disabled", true);
  await userEvent.type(screen.getByLabelText(/^Reason/), "The clinic is closed");
  await userEvent.click(start);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent.map(({ url }) => new URL(url).pathname)).toEqual([
    "/api/v1/sites/site_1/incidents/inc_1/start",
  ]);
  expect(await sent[0]?.json()).toEqual({ reason: "The clinic is closed" });
});

test("what was asked for in vain can be asked for again", () => {
  show("waiting", "ask");
  expect(screen.getByRole("button", { name: "Ask again…" })).toBeTruthy();
});

test.each<[Incident["state"], string, string[]]>([
  ["waiting", "block", ["orders"]],
  ["healed", "offer", ["orders"]],
  ["waiting", "offer", ["view"]],
])("nothing is offered for %s, %s, to one who may %j", (state, verdict, permissions) => {
  show(state, verdict, permissions);
  expect(screen.queryByRole("button")).toBeNull();
});
