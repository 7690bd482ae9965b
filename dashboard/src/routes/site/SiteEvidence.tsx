/** The site's log, its head and its export. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { EvidenceTable } from "@/features/evidence/EvidenceTable";
import { ExportEvidence } from "@/features/evidence/ExportEvidence";
import { evidenceQuery } from "@/features/evidence/get-evidence";
import { LogHead } from "@/features/evidence/LogHead";
import { Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function SiteEvidence({ siteId }: { siteId: string }) {
  const { cursor } = useSearch({ from: "/frame/sites/$siteId" });
  const navigate = useNavigate();
  const query = useQuery(evidenceQuery(siteId, cursor));
  const go = (next: string | undefined) =>
    void navigate({
      to: "/sites/$siteId",
      params: { siteId },
      search: { tab: "evidence", cursor: next },
    });
  return (
    <>
      <Panel title="Evidence log">
        <Loaded query={query}>
          {(page) => (
            <>
              <LogHead log={page.log} />
              {page.items.length > 0 ? (
                <EvidenceTable siteId={siteId} page={page} />
              ) : (
                <Empty title="The log is empty">
                  <p>Its first entry is the key of the first appliance.</p>
                </Empty>
              )}
              <Pager isFirst={cursor === undefined} next={page.next_cursor} go={go} />
            </>
          )}
        </Loaded>
      </Panel>
      <Panel title="Take it along">
        <ExportEvidence siteId={siteId} size={query.data?.log.checkpoint_size ?? 0} />
      </Panel>
    </>
  );
}
