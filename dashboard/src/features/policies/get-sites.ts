/** GET /fleet, page by page: the name and the zone of every site, for rules that name one. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

const ROWS = 200;
const PAGES_MAX = 50;

export interface SiteName {
  id: string;
  name: string;
  zone: string;
}

export const siteNamesQuery = queryOptions({
  queryKey: ["fleet", "names"],
  queryFn: async ({ signal }): Promise<SiteName[]> => {
    const found: SiteName[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const answer = client.GET("/api/v1/fleet", {
        params: { query: { limit: ROWS, cursor } },
        signal,
      });
      const { items, next_cursor } = await body(answer);
      found.push(...items.map(({ id, name, zone }) => ({ id, name, zone })));
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    return found.sort((one, other) => one.name.localeCompare(other.name));
  },
  staleTime: 60_000,
});
