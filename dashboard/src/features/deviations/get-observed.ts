/** GET /sites/{id}/observed/{check}: what fails on which hosts, as it would be accepted. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Observations } from "@/api/types";
import { HOSTS_MAX } from "@/features/deviations/limits";

const PAGE_HOSTS = 100;

export const observedQuery = (siteId: string, check: string) =>
  queryOptions({
    queryKey: ["observed", siteId, check],
    queryFn: ({ signal }) => all(siteId, check, signal),
  });

/** Page by page, as many as can be accepted at once; `next_cursor` stays where there are more. */
async function all(siteId: string, check: string, signal: AbortSignal): Promise<Observations> {
  let found = await page(siteId, check, undefined, signal);
  while (found.next_cursor !== null && found.items.length < HOSTS_MAX) {
    const next = await page(siteId, check, found.next_cursor, signal);
    found = { ...next, items: [...found.items, ...next.items] };
  }
  return found;
}

function page(
  siteId: string,
  check: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<Observations> {
  return body(
    client.GET("/api/v1/sites/{site_id}/observed/{check}", {
      params: { path: { site_id: siteId, check }, query: { limit: PAGE_HOSTS, cursor } },
      signal,
    }),
  );
}
