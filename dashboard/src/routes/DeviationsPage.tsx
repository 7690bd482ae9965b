/** /deviations: what people live with until a date, where that changed, and what is over. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { DeviationPage as Listed } from "@/api/types";
import { DeviationCard } from "@/features/deviations/DeviationCard";
import { DeviationTable } from "@/features/deviations/DeviationTable";
import { deviationsQuery } from "@/features/deviations/get-deviations";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function DeviationsPage() {
  const { cursor } = useSearch({ from: "/frame/deviations" });
  const navigate = useNavigate();
  const inForce = useQuery(deviationsQuery("in_force", cursor));
  const ended = useQuery(deviationsQuery("ended"));
  return (
    <Page
      title="Accepted deviations"
      lead="A failing state that somebody answers for until a date. It is not repaired and never counts as passed; whatever else fails there is a drift like any other. Accept one from its incident."
    >
      <Loaded query={inForce}>
        {(page) => (
          <>
            <InForce page={page} />
            <Pager
              isFirst={cursor === undefined}
              next={page.next_cursor}
              go={(next) => void navigate({ to: "/deviations", search: { cursor: next } })}
            />
          </>
        )}
      </Loaded>
      <Loaded query={ended}>
        {(page) =>
          page.items.length > 0 && (
            <Panel title="Ended">
              <DeviationTable deviations={page.items} />
            </Panel>
          )
        }
      </Loaded>
    </Page>
  );
}

/** What changed comes first: it is what somebody has to look at. */
function InForce({ page }: { page: Listed }) {
  if (page.items.length === 0) {
    return (
      <Empty title="Nothing is accepted">
        <p>Every failure is a drift that waits to be repaired.</p>
      </Empty>
    );
  }
  const changed = page.items.filter((one) => one.changed > 0);
  const others = page.items.filter((one) => one.changed === 0);
  return [...changed, ...others].map((one) => <DeviationCard key={one.id} deviation={one} />);
}
