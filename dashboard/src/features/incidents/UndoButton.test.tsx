import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { sessionKey } from "@/api/session";
import type { Incident } from "@/api/types";
import { tell } from "@/features/incidents/story";
import { UndoButton } from "@/features/incidents/UndoButton";
import { UndoNote } from "@/features/incidents/UndoNote";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

const undo = {
  name: "Ada",
  runbook: "ssh_config.harden",
  reason: "it broke the scanner",
  state: "left",
  detail: "left by hand: ufw",
  at: "2026-11-21T09:00:00.000Z",
};

function incident(until: string | null): Incident {
  return {
    site_id: "site_1",
    id: "inc_1",
    state: "healed",
    undo_until: until,
    before: {},
    after: null,
    decision: { verdict: "run", undo },
    runbook: { id: "ssh_config.harden" },
    actions: [],
  } as unknown as Incident;
}

function show(until: string | null, permissions = ["orders"]): void {
  const one = incident(until);
  const queries = makeQueryClient();
  queries.setQueryData(sessionKey, { permissions });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <UndoButton incident={one} story={tell(one)} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("a run is undone with a reason, and not without one", async () => {
  const sent: Request[] = [];
  network.mockImplementation(async (request) => {
    if (request.method === "POST") sent.push(request.clone());
    const headers = { "content-type": "application/json" };
    const answer = request.method === "POST" ? { order_id: "ord_1" } : { permissions: ["orders"] };
    return new Response(JSON.stringify(answer), { status: 200, headers });
  });
  show("2026-12-21T09:00:00.000Z");
  fireEvent.click(screen.getByRole("button", { name: "Undo the repair…" }));
  const confirm = await screen.findByRole("button", { name: "Undo it" });
  expect(confirm).toHaveProperty("disabled", true);
  fireEvent.change(screen.getByLabelText(/^Reason/), { target: { value: "It broke the scanner" } });
  fireEvent.click(confirm);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent.map(({ url }) => new URL(url).pathname)).toEqual([
    "/api/v1/sites/site_1/incidents/inc_1/undo",
  ]);
  expect(await sent[0]?.json()).toEqual({ reason: "It broke the scanner" });
});

test.each<[string | null, string[]]>([
  [null, ["orders"]],
  ["2026-12-21T09:00:00.000Z", ["view"]],
])("nothing is offered until %s to one who may %j", (until, permissions) => {
  show(until, permissions);
  expect(screen.queryByRole("button")).toBeNull();
});

test("what came of an undo is told with who wanted it and why", () => {
  const told = tell(incident(null)).undo;
  expect(told).toEqual(undo);
  if (told === null) return;
  render(
    <MantineProvider env="test">
      <UndoNote undo={told} />
    </MantineProvider>,
  );
  expect(screen.getByText("Left by hand")).toBeTruthy();
  expect(screen.getByText(/Ada wanted/).textContent).toContain("it broke the scanner");
  expect(screen.getByText("left by hand: ufw")).toBeTruthy();
});
