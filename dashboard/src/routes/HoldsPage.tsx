/** /holds: where healing stopped after a flap or by a person's word, and who let it go on. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Hold, HoldPage } from "@/api/types";
import { stopsQuery } from "@/features/brakes/get-stops";
import { Stops } from "@/features/brakes/Stops";
import { holdsQuery } from "@/features/holds/get-holds";
import { HoldCard } from "@/features/holds/HoldCard";
import { HoldTable } from "@/features/holds/HoldTable";
import { OrderProgress } from "@/features/orders/OrderProgress";
import { Page, Panel } from "@/ui/Page";
import { useStay } from "@/ui/stay";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function HoldsPage() {
  const { cursor } = useSearch({ from: "/frame/holds" });
  const stops = useQuery(stopsQuery());
  const active = useQuery(holdsQuery("active"));
  const all = useQuery(holdsQuery("all", cursor));
  return (
    <Page
      title="Holds"
      lead="What stays unrepaired until somebody says so: a repair that held three times and was undone each time, one that a person has put on hold, or a version that went wrong too often."
    >
      <Loaded query={stops}>
        {(stopped) => (
          <>
            <Stops page={stopped} />
            <Loaded query={active}>
              {(standing) => (
                <Loaded query={all}>
                  {(page) => (
                    <Holds
                      standing={standing}
                      page={page}
                      cursor={cursor}
                      isElseFree={stopped.items.length === 0}
                    />
                  )}
                </Loaded>
              )}
            </Loaded>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Holds(props: {
  standing: HoldPage;
  page: HoldPage;
  cursor: string | undefined;
  /** Nothing but a hold could keep a repair off. */
  isElseFree: boolean;
}) {
  const { standing, page, cursor, isElseFree } = props;
  const navigate = useNavigate();
  const { here, rest } = useStay(standing.items, page.items, keyOf);
  const ended = rest.filter(({ state }) => state === "cleared");
  return (
    <>
      {here.length > 0 ? (
        here.map((hold) => <Card key={keyOf(hold)} hold={hold} />)
      ) : (
        <Empty title="No hold">
          {isElseFree && <p>Every repair may go on by itself.</p>}
        </Empty>
      )}
      {standing.next_cursor !== null && <p>There are more; they follow once these are cleared.</p>}
      {(ended.length > 0 || cursor !== undefined) && (
        <Panel title="Ended">
          <HoldTable holds={ended} />
        </Panel>
      )}
      <Pager
        isFirst={cursor === undefined}
        next={page.next_cursor}
        go={(next) => void navigate({ to: "/holds", search: { cursor: next } })}
      />
    </>
  );
}

function Card({ hold }: { hold: Hold }) {
  const progress = hold.order_id && (
    <OrderProgress siteId={hold.site_id} orderId={hold.order_id} />
  );
  return <HoldCard hold={hold} progress={progress} />;
}

function keyOf(hold: Hold): string {
  return `${hold.site_id} ${hold.id}`;
}
