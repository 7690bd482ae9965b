/** What people may do about an incident, and how what they did goes: hold, approval, order. */
import { useQuery } from "@tanstack/react-query";
import type { Incident } from "@/api/types";
import { ApprovalCard } from "@/features/approvals/ApprovalCard";
import { approvalsQuery } from "@/features/approvals/get-approvals";
import { holdsQuery } from "@/features/holds/get-holds";
import { HoldCard } from "@/features/holds/HoldCard";
import { StartButton } from "@/features/incidents/StartButton";
import type { Story } from "@/features/incidents/story";
import { UndoButton } from "@/features/incidents/UndoButton";
import { UndoNote } from "@/features/incidents/UndoNote";
import { ordersQuery } from "@/features/orders/get-orders";
import { OrderProgress } from "@/features/orders/OrderProgress";
import { hasEnded } from "@/features/orders/stages";
import { Panel } from "@/ui/Page";

export function Deeds({ incident, story }: { incident: Incident; story: Story }) {
  const { site_id: siteId, id } = incident;
  const isThis = (item: { site_id: string; incident_id: string | null }) =>
    item.site_id === siteId && item.incident_id === id;
  const pending = useQuery(approvalsQuery("pending")).data?.items.find(isThis);
  const answered = useQuery(approvalsQuery()).data?.items.find(isThis);
  const approval = pending ?? answered;
  const standing = useQuery(holdsQuery("active")).data?.items.find(isThis);
  const ended = useQuery(holdsQuery("all")).data?.items.find(isThis);
  const hold = standing ?? ended;
  const orders = useQuery(ordersQuery(siteId)).data?.items.filter(isThis) ?? [];
  // The approval's own order is told with the approval.
  const order = orders.find((one) => one.kind === "run_runbook" && one.id !== approval?.order_id);
  const undo = orders.find((one) => one.kind === "undo_run");
  const isUnderWay = orders.some(({ status }) => !hasEnded(status));
  return (
    <>
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
        <Panel title="The order">
          <OrderProgress siteId={siteId} orderId={order.id} />
        </Panel>
      )}
      {story.undo && <UndoNote undo={story.undo} />}
      {undo && (
        <Panel title="The order to undo">
          <OrderProgress siteId={siteId} orderId={undo.id} />
        </Panel>
      )}
      {!isUnderWay && <UndoButton incident={incident} story={story} />}
      {!pending && !isUnderWay && <StartButton incident={incident} story={story} />}
    </>
  );
}
