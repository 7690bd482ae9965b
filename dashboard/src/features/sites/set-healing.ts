/** POST /sites/{id}/healing: let a site heal, or make it observe. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { SetHealing, SiteOverview } from "@/api/types";

export function useSetHealing(siteId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (wanted: SetHealing): Promise<SiteOverview> =>
      body(
        client.POST("/api/v1/sites/{site_id}/healing", {
          params: { path: { site_id: siteId } },
          body: wanted,
        }),
      ),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["site", siteId] }),
        queries.invalidateQueries({ queryKey: ["fleet"] }),
      ]),
  });
}
