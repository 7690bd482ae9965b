/** /holds: where healing stopped after a flap, and who let it go on. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Hold, HoldPage } from "@/api/types";
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
  const active = useQuery(holdsQuery("active"));
  const all = useQuery(holdsQuery("all", cursor));
  return (
    <Page
      title="Holds"
      lead="A repair that held three times and was undone each time is not repeated: somebody has to find out why, and clear the hold."
    >
      <Stops />
      <Loaded query={active}>
        {(standing) => (
          <Loaded query={all}>
            {(page) => <Holds standing={standing} page={page} cursor={cursor} />}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Holds(props: { standing: HoldPage; page: HoldPage; cursor: string | undefined }) {
  const { standing, page, cursor } = props;
  const navigate = useNavigate();
  const { here, rest } = useStay(standing.items, page.items, keyOf);
  const ended = rest.filter(({ state }) => state === "cleared");
  return (
    <>
      {here.length > 0 ? (
        here.map((hold) => <Card key={keyOf(hold)} hold={hold} />)
      ) : (
        <Empty title="No hold">
          <p>Every repair may go on by itself.</p>
        </Empty>
      )}
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
