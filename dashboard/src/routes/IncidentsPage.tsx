/** /incidents: of all sites, newest first. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { incidentsQuery } from "@/features/incidents/get-incidents";
import { IncidentTable } from "@/features/incidents/IncidentTable";
import { StateFilter } from "@/features/incidents/StateFilter";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function IncidentsPage() {
  const filter = useSearch({ from: "/frame/incidents" });
  const navigate = useNavigate();
  const query = useQuery(incidentsQuery(filter));
  return (
    <Page
      title="Incidents"
      actions={
        <StateFilter
          state={filter.state}
          onChange={(state) => void navigate({ to: "/incidents", search: { state } })}
        />
      }
    >
      <Loaded query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length > 0 ? (
              <Panel>
                <IncidentTable rows={items} withSite />
              </Panel>
            ) : (
              <Empty title={filter.state ? "None in this state" : "No incident"}>
                <p>An incident opens when a check fails on a host of one of your sites.</p>
              </Empty>
            )}
            <Pager
              isFirst={filter.cursor === undefined}
              next={next_cursor}
              go={(cursor) =>
                void navigate({ to: "/incidents", search: { state: filter.state, cursor } })
              }
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}
