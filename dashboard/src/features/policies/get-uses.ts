/** GET /policies/uses: when each rule decided last, and how often; one that never did is absent. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export interface Use {
  ruleId: string;
  lastDecidedAt: string;
  decided: number;
  ran: number;
}

export const usesQuery = queryOptions({
  queryKey: ["policy-uses"],
  queryFn: async ({ signal }): Promise<Use[]> => {
    const answer = await body(client.GET("/api/v1/policies/uses", { signal }));
    return (answer as unknown as { data: Use[] }).data;
  },
});
