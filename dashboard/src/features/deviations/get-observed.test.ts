import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { observedQuery } from "@/features/deviations/get-observed";

// The client takes the network as it finds it when it is loaded.
const network = vi.hoisted(() => {
  const fake = vi.fn<(request: Request) => Promise<Response>>();
  globalThis.fetch = fake as unknown as typeof fetch;
  return fake;
});

/** A Central where the check fails on so many hosts. */
function failing(count: number): void {
  network.mockImplementation(async ({ url }) => {
    const asked = new URL(url).searchParams;
    const [from, limit] = [Number(asked.get("cursor") ?? 0), Number(asked.get("limit"))];
    const to = Math.min(from + limit, count);
    const items = Array.from({ length: to - from }, (_, index) => ({ host_id: `host_${from + index}` }));
    const page = { check: "backup", items, next_cursor: to < count ? String(to) : null };
    return new Response(JSON.stringify(page), { headers: { "content-type": "application/json" } });
  });
}

const observed = () => makeQueryClient().fetchQuery(observedQuery("site_1", "backup"));

test("every host on which it fails is there, each once", async () => {
  failing(230);
  const found = await observed();
  expect(new Set(found.items.map(({ host_id }) => host_id)).size).toBe(230);
  expect(found.items).toHaveLength(230);
  expect(found.next_cursor).toBeNull();
});

test("no more hosts are fetched than can be accepted at once, and that there are more is said", async () => {
  failing(1_234);
  const found = await observed();
  expect(found.items).toHaveLength(500);
  expect(found.next_cursor).not.toBeNull();
});
