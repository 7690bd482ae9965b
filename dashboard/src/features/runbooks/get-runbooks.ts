/** GET /runbooks: how well each one's heals last, and where it is stopped. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const runbooksQuery = queryOptions({
  queryKey: ["runbooks"],
  queryFn: ({ signal }) => body(client.GET("/api/v1/runbooks", { signal })),
});
