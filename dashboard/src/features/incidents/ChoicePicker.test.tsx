import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { sessionKey } from "@/api/session";
import { ChoicePicker } from "@/features/incidents/ChoicePicker";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

const choice = (id: string, verdict: "offer" | "ask" = "offer") => ({
  id,
  words: `${id} keeps the clock`,
  runbook_id: "time_sync.enable",
  inputs: {},
  verdict,
});

function show(choices: ReturnType<typeof choice>[], permissions = ["orders"]): void {
  const queries = makeQueryClient();
  queries.setQueryData(sessionKey, { permissions });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <ChoicePicker incident={{ site_id: "site_1", id: "inc_1", choices }} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("each of two choices has its button, and is started with a reason", async () => {
  const sent: Request[] = [];
  const answer = JSON.stringify({ order_id: "ord_1", approval_id: null });
  network.mockImplementation(async (request) => {
    if (request.method === "POST") sent.push(request.clone());
    const headers = { "content-type": "application/json" };
    return new Response(request.method === "POST" ? answer : "{}", { status: 200, headers });
  });
  show([choice("chrony"), choice("timesyncd")]);
  expect(screen.getAllByRole("button")).toHaveLength(2);
  await userEvent.click(screen.getByRole("button", { name: "timesyncd keeps the clock…" }));
  const start = await screen.findByRole("button", { name: "Start it" });
  expect(start).toHaveProperty("disabled", true);
  await userEvent.type(screen.getByLabelText(/^Reason/), "The imaging vendor needs it");
  await userEvent.click(start);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent.map(({ url }) => new URL(url).pathname)).toEqual([
    "/api/v1/sites/site_1/incidents/inc_1/start",
  ]);
  expect(await sent[0]?.json()).toEqual({
    reason: "The imaging vendor needs it",
    choice: "timesyncd",
  });
});

test("more than two are a list, and what needs an approval says so", async () => {
  show([choice("chrony"), choice("timesyncd"), choice("ntpsec", "ask")]);
  expect(screen.queryByRole("button", { name: /keeps the clock/ })).toBeNull();
  await userEvent.click(screen.getByRole("combobox", { name: "Which repair is right here" }));
  await userEvent.click(await screen.findByRole("option", { name: "ntpsec keeps the clock" }));
  expect(await screen.findByRole("button", { name: "Ask for approval" })).toBeTruthy();
});

test.each<[ReturnType<typeof choice>[], string[]]>([
  [[], ["orders"]],
  [[choice("chrony")], ["view"]],
])("nothing is to be picked of %j by one who may %j", (choices, permissions) => {
  show(choices, permissions);
  expect(screen.queryByRole("button")).toBeNull();
});
