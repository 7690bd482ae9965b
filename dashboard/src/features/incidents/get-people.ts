/** GET /people: the colleagues who may act on an incident. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: ({ signal }) => body(client.GET("/api/v1/people", { signal })),
});
