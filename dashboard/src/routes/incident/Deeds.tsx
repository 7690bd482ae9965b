/** What people may do about an incident, and how what they did goes: hold, approval, order. */
import { useQuery } from "@tanstack/react-query";
import type { Incident, Order } from "@/api/types";
import { ApprovalCard } from "@/features/approvals/ApprovalCard";
import { approvalsQuery } from "@/features/approvals/get-approvals";
import { AcceptedNote, AcceptLink } from "@/features/deviations/AcceptLink";
import { holdsQuery } from "@/features/holds/get-holds";
import { HoldCard } from "@/features/holds/HoldCard";
import { DeedBar } from "@/features/incidents/DeedBar";
import { Handovers } from "@/features/incidents/Handovers";
import type { Story } from "@/features/incidents/story";
import { UndoButton } from "@/features/incidents/UndoButton";
import { UndoNote } from "@/features/incidents/UndoNote";
import { ordersQuery } from "@/features/orders/get-orders";
import { OrderProgress } from "@/features/orders/OrderProgress";
import { hasEnded } from "@/features/orders/stages";
import { Panel } from "@/ui/Page";
import { ORDER_KIND } from "@/ui/words";

export function Deeds({ incident, story }: { incident: Incident; story: Story }) {
  const { site_id: siteId, id, host_id, check } = incident;
  const isThis = (item: { site_id: string; incident_id: string | null }) =>
    item.site_id === siteId && item.incident_id === id;
  // A hold is about the drift: one that another incident of it set keeps this one off, too.
  const holds = useQuery(holdsQuery("active")).data?.items;
  const standing = holds?.find(
    (one) => one.site_id === siteId && one.host_id === host_id && one.check === check,
  );
  const pending = useQuery(approvalsQuery("pending")).data?.items.find(isThis);
  const answered = useQuery(approvalsQuery()).data?.items.find(isThis);
  const approval = pending ?? answered;
  const ended = useQuery(holdsQuery("all")).data?.items.find(isThis);
  const hold = standing ?? ended;
  const orders = useQuery(ordersQuery(siteId)).data?.items.filter(isThis) ?? [];
  const underWay = new Set(orders.filter(isOnItsWay).map(({ kind }) => kind));
  // The approval's own order is told with the approval, a hold's end with the hold.
  const order = orders.find((one) => one.kind !== "clear_hold" && one.id !== approval?.order_id);
  return (
    <>
      <DeedBar
        incident={incident}
        isHeld={standing !== undefined}
        underWay={underWay}
        isAsked={pending !== undefined}
      >
        {underWay.size === 0 && <UndoButton incident={incident} story={story} />}
        <AcceptLink incident={incident} />
      </DeedBar>
      {incident.handovers.length > 0 && (
        <Panel title="In whose hands">
          <Handovers handovers={incident.handovers} />
        </Panel>
      )}
      {hold && (
        <HoldCard
          hold={hold}
          isInline
          progress={hold.order_id && <OrderProgress siteId={siteId} orderId={hold.order_id} />}
        />
      )}
      {approval && (
        <ApprovalCard
          approval={approval}
          isInline
          progress={
            approval.order_id && <OrderProgress siteId={siteId} orderId={approval.order_id} />
          }
        />
      )}
      {order && (
        <Panel title={ORDER_KIND[order.kind]}>
          <OrderProgress siteId={siteId} orderId={order.id} />
        </Panel>
      )}
      <AcceptedNote incident={incident} />
      {story.undo && <UndoNote undo={story.undo} />}
    </>
  );
}

function isOnItsWay({ status }: Order): boolean {
  return !hasEnded(status);
}
