/** POST /restore: puts the rules of a backup in force, after a backup of what they replace. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export interface Restored {
  restoredFrom: string;
  safetyBackup: string;
}

export function useRestoreBackup() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ file, reason }: { file: string; reason: string }): Promise<Restored> =>
      (await body(
        client.POST("/api/mcp/policy/restore", {
          params: { query: { reason } },
          body: { file } as never,
        }),
      )) as unknown as Restored,
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["policy-backups"] }),
        queries.invalidateQueries({ queryKey: ["policy-rules"] }),
      ]),
  });
}
