/** GET /backups: every backup of the rules, newest first, with what is known of each. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export interface Backup {
  file: string;
  name: string;
  kind: "backup" | "safety";
  size: number;
  sha256: string | null;
  rules: number | null;
  reason: string | null;
  revision?: number | null;
  madeBy?: string | null;
  madeAt?: string | null;
  verifiedAt?: string | null;
  fault?: string | null;
  downloadedAt?: string | null;
}

export const backupsQuery = queryOptions({
  queryKey: ["policy-backups"],
  queryFn: async ({ signal }): Promise<Backup[]> =>
    ((await body(client.GET("/api/mcp/policy/backups", { signal }))) as unknown as {
      items: Backup[];
    }).items,
});

export function downloadAddress({ name }: Backup): string {
  return `/api/v1/policies/backups/${encodeURIComponent(name)}/download`;
}
