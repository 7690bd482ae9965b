/** /deviations: what people live with until a date, where that changed, and what is over. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Deviation } from "@/api/types";
import { DeviationCard } from "@/features/deviations/DeviationCard";
import { DeviationTable } from "@/features/deviations/DeviationTable";
import { deviationsQuery } from "@/features/deviations/get-deviations";
import { inOrder } from "@/features/deviations/order";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function DeviationsPage() {
  const { cursor, ended } = useSearch({ from: "/frame/deviations" });
  const navigate = useNavigate();
  const changed = useQuery(deviationsQuery("changed"));
  const inForce = useQuery(deviationsQuery("in_force", cursor));
  const over = useQuery(deviationsQuery("ended", ended));
  const go = (search: { cursor?: string; ended?: string }) =>
    void navigate({ to: "/deviations", search });
  return (
    <Page
      title="Accepted deviations"
      lead="A failing state that somebody answers for until a date. It is not repaired and never counts as passed; whatever else fails there is a drift like any other. Accept one from its incident."
    >
      <Loaded query={changed}>
        {(first) => (
          <Loaded query={inForce}>
            {(page) => (
              <>
                <InForce
                  items={inOrder(first, page, cursor === undefined)}
                  isAll={cursor === undefined && page.next_cursor === null}
                />
                <Pager
                  isFirst={cursor === undefined}
                  next={page.next_cursor}
                  go={(next) => go({ cursor: next, ended })}
                />
              </>
            )}
          </Loaded>
        )}
      </Loaded>
      <Loaded query={over}>
        {(page) =>
          (page.items.length > 0 || ended !== undefined) && (
            <Panel title="Ended">
              <DeviationTable deviations={page.items} />
              <Pager
                isFirst={ended === undefined}
                next={page.next_cursor}
                go={(next) => go({ cursor, ended: next })}
              />
            </Panel>
          )
        }
      </Loaded>
    </Page>
  );
}

function InForce({ items, isAll }: { items: Deviation[]; isAll: boolean }) {
  if (items.length === 0 && isAll) {
    return (
      <Empty title="Nothing is accepted">
        <p>Every failure is a drift that waits to be repaired.</p>
      </Empty>
    );
  }
  return items.map((one) => <DeviationCard key={one.id} deviation={one} />);
}
