import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import type { Change, Replay } from "@/features/policies/get-replay";
import { Past } from "@/features/policies/Past";
import { counted, spanWords } from "@/features/policies/past-words";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

const RULE = { id: "a", when: { kpiId: "patching", severity: ["high"] }, action: "x" };
const came = (verdict: string, code: string) => ({ verdict, code, ruleId: "a" });
const REPLAY: Replay = {
  since: "2026-10-01T00:00:00.000Z",
  until: "2026-10-31T00:00:00.000Z",
  complete: true,
  judged: 1204,
  leftOut: 0,
  deniedToRun: 3,
  uncountedRuleIds: [],
  turns: [
    {
      from: "block",
      to: "run",
      count: 3,
      sites: 1,
      examples: [
        {
          alertId: "7",
          kpiId: "patching",
          severity: "high",
          action: "x",
          site: null,
          host: null,
          at: "2026-10-30T00:00:00.000Z",
          was: came("block", "denied"),
          before: came("block", "denied"),
          after: came("run", "allowed"),
        },
      ],
    },
  ],
};

let asked: { path: string; signal: AbortSignal }[] = [];

beforeEach(() => {
  asked = [];
});

function answer(next: () => Promise<Response>): void {
  network.mockImplementation((request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.endsWith("/replay")) return Promise.resolve(json(404, {}));
    asked.push({ path: pathname, signal: request.signal });
    return next();
  });
}

function json(status: number, said: object): Response {
  const headers = { "content-type": "application/json" };
  return new Response(JSON.stringify(said), { status, headers });
}

function page(change: Change) {
  const queries = makeQueryClient();
  const shown = (wanted: Change) => (
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <Past change={wanted} />
      </MantineProvider>
    </QueryClientProvider>
  );
  const { rerender } = render(shown(change));
  return (wanted: Change) => rerender(shown(wanted));
}

test("it says how many would have come out otherwise, from what to what, with an example", async () => {
  answer(() => Promise.resolve(json(200, { ok: true, ...REPLAY })));
  page({ kind: "delete", id: "a" });
  expect(screen.getByRole("status").textContent).toMatch(/lately…$/);
  await screen.findByText("3 of 1,204 decisions");
  const turns = screen.getByRole("list", { name: "What would have come out otherwise" });
  expect(turns.textContent).toMatch(/^Block→Run3 at 1 site/);
  expect(turns.textContent).toContain("a rule denies it → a rule allows it (a)");
  expect(asked.map(({ path }) => path)).toEqual(["/api/v1/policies/replay"]);
});

test("a draft that changes calls the question before it off", async () => {
  answer(() => new Promise(() => undefined));
  const show = page({ kind: "draft", rule: RULE });
  await waitFor(() => expect(asked).toHaveLength(1));
  show({ kind: "draft", rule: { ...RULE, action: "y" } });
  await waitFor(() => expect(asked).toHaveLength(2));
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});

test("each kind of change has its own address, and a failure is said with a way on", async () => {
  answer(() => Promise.resolve(json(409, { title: "No", status: 409, detail: "broken", code: "c" })));
  const show = page({ kind: "revision", revision: 4, over: 9 });
  expect((await screen.findByRole("alert")).textContent).toContain("broken");
  expect(screen.getByRole("button", { name: "Try again" })).toBeTruthy();
  show({ kind: "backup", name: "policies-1.db" });
  await waitFor(() =>
    expect(asked.map(({ path }) => path)).toEqual([
      "/api/v1/policies/revisions/4/replay",
      "/api/v1/policies/backups/policies-1.db/replay",
    ]),
  );
});

test("while another replay runs it is asked for again", async () => {
  vi.useFakeTimers();
  try {
    let isBusy = true;
    const busy = { title: "Busy", status: 429, detail: "another one", code: "busy" };
    answer(() =>
      Promise.resolve(isBusy ? json(429, busy) : json(200, { ...REPLAY, judged: 0, turns: [] })),
    );
    page({ kind: "delete", id: "a" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(screen.queryByRole("alert")).toBeNull();
    isBusy = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(screen.getByText(/No decision of the last 30 days is about/)).toBeTruthy();
  } finally {
    vi.useRealTimers();
  }
});

test("what was not looked at, and what was left out, is said", async () => {
  const told = { ...REPLAY, complete: false, leftOut: 1, uncountedRuleIds: ["a"], turns: [] };
  answer(() => Promise.resolve(json(200, told)));
  page({ kind: "delete", id: "a" });
  await screen.findByText(/^1,204 decisions since .*: all would have come out the same\.$/);
  expect(screen.getByText(/older ones, which were not looked at/)).toBeTruthy();
  expect(screen.getByText(/^Left out: 1 decision that/)).toBeTruthy();
  expect(screen.getByText(/count as not used yet/)).toBeTruthy();
});

test("spans and counts in words", () => {
  expect(spanWords(REPLAY)).toBe("of the last 30 days");
  expect(spanWords({ ...REPLAY, since: "2026-10-30T01:00:00.000Z" })).toBe("of the last day");
  expect([counted(1, "site"), counted(2, "site")]).toEqual(["1 site", "2 sites"]);
});
