/** /policy/backups: for owners; all rules at once. */
import { useQuery } from "@tanstack/react-query";
import { POLICY_ADMIN } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { Backups } from "@/features/policies/Backups";
import { backupsQuery } from "@/features/policies/get-backups";
import { rulesQuery } from "@/features/policies/get-rules";
import { PolicyTabs } from "@/routes/policy/tabs";
import { Page } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";

export function BackupsPage() {
  const isAdmin = usePermission(POLICY_ADMIN);
  return (
    <Page title="Policy" lead="All rules as one file, to keep elsewhere and to put in force again.">
      <PolicyTabs />
      {isAdmin ? (
        <Held />
      ) : (
        <Empty title="For owners">
          <p>Only owners make and restore backups: a restore replaces every rule at once.</p>
        </Empty>
      )}
    </Page>
  );
}

function Held() {
  const backups = useQuery(backupsQuery);
  const rules = useQuery(rulesQuery).data?.length ?? 0;
  return (
    <Loaded query={backups}>{(found) => <Backups backups={found} rules={rules} />}</Loaded>
  );
}
