/** GET /api/mcp/policy/list */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { type Rule, readRules } from "@/features/policies/rule";

export const rulesQuery = queryOptions({
  queryKey: ["policy-rules"],
  queryFn: async ({ signal }): Promise<Rule[]> =>
    readRules(await body(client.GET("/api/mcp/policy/list", { signal }))),
});
