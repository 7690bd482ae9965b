/** GET /policies/vocabulary: the checks, runbooks and roles that rules may name. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const vocabularyQuery = queryOptions({
  queryKey: ["policy-vocabulary"],
  queryFn: ({ signal }) => body(client.GET("/api/v1/policies/vocabulary", { signal })),
  staleTime: Infinity,
});
