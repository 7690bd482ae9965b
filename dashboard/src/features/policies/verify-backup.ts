/** POST /policies/backups/{name}/verify: reads a backup whole; the fault, null where there is none. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export function useVerifyBackup() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (name: string): Promise<{ name: string; fault: string | null }> => {
      const path = { name };
      const answer = client.POST("/api/v1/policies/backups/{name}/verify", { params: { path } });
      const { item } = (await body(answer)) as unknown as { item: { fault: string | null } };
      return { name, fault: item.fault };
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["policy-backups"] }),
  });
}
