/** GET /deviations/{id}: what was accepted on each host, what is there now, what became of it. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const deviationQuery = (id: string) =>
  queryOptions({
    queryKey: ["deviations", "one", id],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/deviations/{deviation_id}", {
          params: { path: { deviation_id: id } },
          signal,
        }),
      ),
  });
