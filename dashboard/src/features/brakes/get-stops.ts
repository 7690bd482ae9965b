/** GET /brakes: the versions that nothing runs by until a person releases them. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const stopsQuery = () =>
  queryOptions({
    queryKey: ["brakes"],
    queryFn: ({ signal }) =>
      body(client.GET("/api/v1/brakes", { params: { query: { limit: PAGE_ROWS } }, signal })),
  });
