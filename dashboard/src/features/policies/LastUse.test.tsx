import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { sessionKey } from "@/api/session";
import { LastUse, WhatIsAUse } from "@/features/policies/LastUse";
import { useUses } from "@/features/policies/uses";
import { fetchAgain } from "@/realtime/batch";
import { keysFor } from "@/realtime/kinds";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

let asked: string[] = [];

beforeEach(() => {
  asked = [];
});

const used = (ruleId: string, decided: number, agoMs = 2 * 3_600_000) => ({
  ruleId,
  lastDecidedAt: new Date(Date.now() - agoMs).toISOString(),
  decided,
  ran: 1,
});

function answer(status: number, said: () => object): void {
  network.mockImplementation((request) => {
    if (request.url.endsWith("/policies/uses")) asked.push(request.method);
    const headers = { "content-type": "application/json" };
    return Promise.resolve(new Response(JSON.stringify(said()), { status, headers }));
  });
}

function List() {
  const uses = useUses();
  return (
    <>
      <ul>
        {["often", "once", "new"].map((id) => (
          <li key={id}>
            <LastUse id={id} uses={uses} />
          </li>
        ))}
      </ul>
      <WhatIsAUse uses={uses} />
    </>
  );
}

function show(permissions: string[]) {
  const queries = makeQueryClient();
  // Kept fresh, so that the session itself asks for nothing here.
  queries.setQueryDefaults(sessionKey, { staleTime: Infinity });
  queries.setQueryData(sessionKey, { permissions });
  render(
    <QueryClientProvider client={queries}>
      <List />
    </QueryClientProvider>,
  );
  return queries;
}

const lines = () => screen.getAllByRole("listitem").map((line) => line.textContent);

test("each rule says when it was last used and how often, or that it never was", async () => {
  answer(200, () => ({ ok: true, data: [used("often", 14), used("once", 1)] }));
  show(["policy.read"]);
  expect(lines()).toEqual(["", "", ""]);
  await waitFor(() =>
    expect(lines()).toEqual(["last used 2 h ago · 14 times", "last used 2 h ago · 1 time", "never used"]),
  );
  expect(screen.getByText(/appliances decide by themselves/)).toBeTruthy();
});

test("who may not read the policy is told nothing, and nothing is asked", async () => {
  answer(200, () => ({ ok: true, data: [used("often", 14)] }));
  show(["view"]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([asked, lines()]).toEqual([[], ["", "", ""]]);
  expect(screen.queryByText(/appliances decide/)).toBeNull();
});

test("a refusal does not read as never used", async () => {
  answer(403, () => ({ title: "Not allowed", status: 403, detail: "no", code: "forbidden" }));
  const queries = show(["policy.read"]);
  await waitFor(() => expect(queries.getQueryState(["policy-uses"])?.status).toBe("error"));
  expect([asked, lines()]).toEqual([["GET"], ["", "", ""]]);
});

test("a change of the rules has the uses fetched again; a check-in's evidence does not", async () => {
  let count = 14;
  answer(200, () => ({ ok: true, data: [used("often", count)] }));
  const queries = show(["policy.read"]);
  await waitFor(() => expect(lines()[0]).toBe("last used 2 h ago · 14 times"));
  count = 15;
  await fetchAgain(queries, keysFor("evidence", "site_1") ?? []);
  expect(asked).toHaveLength(1);
  await fetchAgain(queries, keysFor("policy.updated", null) ?? []);
  await waitFor(() => expect(lines()[0]).toBe("last used 2 h ago · 15 times"));
  expect(asked).toHaveLength(2);
});
