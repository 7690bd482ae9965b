/** POST /backup: writes a backup, or names the newest where it holds the same. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export function useMakeBackup() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (reason: string): Promise<string> => {
      const query = reason ? { reason } : {};
      const answer = client.POST("/api/mcp/policy/backup", { params: { query } });
      return ((await body(answer)) as unknown as { file: string }).file;
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["policy-backups"] }),
  });
}
