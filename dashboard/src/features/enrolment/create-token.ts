/** POST /sites/{id}/enrolment-tokens: the line to paste; its secret is shown this once. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { EnrolmentToken } from "@/api/types";

/** Where this page keeps the token it was given; a reload forgets it, on purpose. */
export const tokenKey = (siteId: string) => ["enrolment-token", siteId] as const;

export function useCreateToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (siteId: string): Promise<EnrolmentToken> =>
      body(
        client.POST("/api/v1/sites/{site_id}/enrolment-tokens", {
          params: { path: { site_id: siteId } },
          body: {},
        }),
      ),
    onSuccess: (token, siteId) => queries.setQueryData(tokenKey(siteId), token),
  });
}
