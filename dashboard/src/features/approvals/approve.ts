/** POST /sites/{id}/approvals/{approval_id}/approve */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Approval } from "@/api/types";

export function useApprove({ site_id, id }: Approval) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Approval> =>
      body(
        client.POST("/api/v1/sites/{site_id}/approvals/{approval_id}/approve", {
          params: { path: { site_id, approval_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
}
