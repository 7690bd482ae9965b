/** /policy/history: every revision of the rules, newest first. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { POLICY_WRITE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { revisionsQuery } from "@/features/policies/get-revisions";
import { History } from "@/features/policies/History";
import { PolicyTabs } from "@/routes/policy/tabs";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function HistoryPage() {
  const { cursor } = useSearch({ from: "/frame/policy/history" });
  const query = useQuery(revisionsQuery(cursor));
  const canWrite = usePermission(POLICY_WRITE);
  const navigate = useNavigate();
  return (
    <Page title="Policy" lead="Who changed which rule, when and why. No revision is ever lost.">
      <PolicyTabs />
      <Loaded query={query}>
        {(page) =>
          page.items.length > 0 ? (
            <Panel title="History">
              <History page={page} canWrite={canWrite} />
              <Pager
                isFirst={cursor === undefined}
                next={page.next}
                go={(next) => void navigate({ to: "/policy/history", search: { cursor: next } })}
              />
            </Panel>
          ) : (
            <Empty title="No revision yet">
              <p>The first rule makes the first revision.</p>
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}
