/** PUT /sites/{id}/settings */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { SiteOverview, SiteSettings } from "@/api/types";

export function useChangeSettings(siteId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (settings: SiteSettings): Promise<SiteOverview> =>
      body(
        client.PUT("/api/v1/sites/{site_id}/settings", {
          params: { path: { site_id: siteId } },
          body: settings,
        }),
      ),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["site", siteId] }),
        queries.invalidateQueries({ queryKey: ["fleet"] }),
      ]),
  });
}
