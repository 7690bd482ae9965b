/** POST /sites */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { SiteSettings, SiteOverview } from "@/api/types";

export function useCreateSite() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (site: SiteSettings): Promise<SiteOverview> =>
      body(client.POST("/api/v1/sites", { body: site })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["fleet"] }),
  });
}
