/** What a deed about a deviation makes stale, before Central's own word of it arrives. */
import type { QueryClient } from "@tanstack/react-query";

export async function refresh(queries: QueryClient, siteId: string): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ["deviations"] }),
    queries.invalidateQueries({ queryKey: ["observed", siteId] }),
    queries.invalidateQueries({ queryKey: ["results", siteId] }),
    queries.invalidateQueries({ queryKey: ["posture", siteId] }),
  ]);
}
