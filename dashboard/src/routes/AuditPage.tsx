/** /audit: who did what, when, from where and why, with the proof that nobody changed it since. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { AuditLog } from "@/features/audit/AuditLog";
import { AuditTable } from "@/features/audit/AuditTable";
import { AuditTools } from "@/features/audit/AuditTools";
import { type AuditSearch, filterOf } from "@/features/audit/filter";
import { auditQuery } from "@/features/audit/get-audit";
import { RecordDrawer } from "@/features/audit/RecordDrawer";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function AuditPage() {
  const search = useSearch({ from: "/frame/audit" });
  const filter = filterOf(search);
  const query = useQuery(auditQuery(filter, search.cursor));
  const navigate = useNavigate();
  const go = (to: AuditSearch) => void navigate({ to: "/audit", search: to });
  return (
    <Page
      title="Audit log"
      lead="What people, appliances and Central itself did. Records are only ever added, and a signed log proves that."
    >
      <AuditTools filter={filter} onChange={go} />
      <Loaded query={query}>
        {({ items, next_cursor: next, log }) => (
          <>
            {items.length > 0 ? (
              <AuditTable
                rows={items}
                narrow={(by) => go({ ...filter, ...by })}
                open={(record) => go({ ...search, record })}
              />
            ) : (
              <Nothing hasMore={next !== null} />
            )}
            <Pager
              isFirst={search.cursor === undefined}
              next={next}
              go={(cursor) => go({ ...filter, cursor })}
            />
            <Panel title="The log">
              <AuditLog log={log} />
            </Panel>
          </>
        )}
      </Loaded>
      {search.record !== undefined && (
        <RecordDrawer
          seq={search.record}
          close={() => go({ ...search, record: undefined })}
        />
      )}
    </Page>
  );
}

function Nothing({ hasMore }: { hasMore: boolean }) {
  return (
    <Empty title={hasMore ? "Nothing in this part of the log" : "No record"}>
      <p>
        {hasMore
          ? "Words are looked for piece by piece; older records follow with “Older”."
          : "Nothing was done that this search would find."}
      </p>
    </Empty>
  );
}
