import { QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import type { Stop } from "@/api/types";
import { useRelease } from "@/features/brakes/release-stop";
import { keysFor } from "@/realtime/kinds";

// The client takes the network as it finds it when it is loaded.
vi.hoisted(() => {
  globalThis.fetch = (async () =>
    new Response("{}", { headers: { "content-type": "application/json" } })) as typeof fetch;
});

test("a release is seen on the page of runbooks too, by whoever did it and by everybody else", async () => {
  const queries = makeQueryClient();
  queries.setQueryData(["brakes"], { items: [] });
  queries.setQueryData(["runbooks"], { items: [] });
  const { result } = renderHook(() => useRelease({ id: "stop_1" } as Stop), {
    wrapper: ({ children }) => (
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    ),
  });
  result.current.mutate("the template was mended");
  await waitFor(() => expect(result.current.isSuccess).toBe(true));
  for (const key of ["brakes", "runbooks"]) {
    expect(queries.getQueryState([key])?.isInvalidated).toBe(true);
    expect(keysFor("brake", null)).toContainEqual([key]);
  }
});
