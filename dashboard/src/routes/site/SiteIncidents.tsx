/** The site's incidents; filter and page are in the URL. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { IncidentFilter } from "@/features/incidents/filter";
import { siteIncidentsQuery } from "@/features/incidents/get-site-incidents";
import { IncidentTable } from "@/features/incidents/IncidentTable";
import { StateFilter } from "@/features/incidents/StateFilter";
import { Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function SiteIncidents({ siteId }: { siteId: string }) {
  const { state, cursor } = useSearch({ from: "/frame/sites/$siteId" });
  const navigate = useNavigate();
  const query = useQuery(siteIncidentsQuery(siteId, { state, cursor }));
  const go = (filter: IncidentFilter) =>
    void navigate({
      to: "/sites/$siteId",
      params: { siteId },
      search: { tab: "incidents", ...filter },
    });
  return (
    <Panel
      title="Incidents"
      note={<StateFilter state={state} onChange={(wanted) => go({ state: wanted })} />}
    >
      <Loaded query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length > 0 ? (
              <IncidentTable rows={items} withSite={false} />
            ) : (
              <Empty title={state ? "None in this state" : "No incident"}>
                <p>An incident opens when a check fails, and closes when it passes again.</p>
              </Empty>
            )}
            <Pager
              isFirst={cursor === undefined}
              next={next_cursor}
              go={(next) => go({ state, cursor: next })}
            />
          </>
        )}
      </Loaded>
    </Panel>
  );
}
