/** /approvals: what waits for a person's leave, in steady places; below, what was answered. */
import { useQuery } from "@tanstack/react-query";
import type { Approval, ApprovalPage } from "@/api/types";
import { ApprovalCard } from "@/features/approvals/ApprovalCard";
import { approvalsQuery } from "@/features/approvals/get-approvals";
import { OrderProgress } from "@/features/orders/OrderProgress";
import { Page } from "@/ui/Page";
import { useStay } from "@/ui/stay";
import { Empty, Loaded } from "@/ui/States";

export function ApprovalsPage() {
  const pending = useQuery(approvalsQuery("pending"));
  const known = useQuery(approvalsQuery());
  return (
    <Page
      title="Approvals"
      lead="Repairs that the policy lets run only with a person's leave. Nothing runs before the answer, and nothing after it has expired."
    >
      <Loaded query={pending}>
        {(waiting) => (
          <Loaded query={known}>{(all) => <Inbox waiting={waiting} all={all} />}</Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Inbox({ waiting, all }: { waiting: ApprovalPage; all: ApprovalPage }) {
  const { here, rest } = useStay(waiting.items, all.items, keyOf);
  const answered = rest.filter(({ state }) => state !== "pending");
  return (
    <>
      {here.length > 0 ? (
        here.map((approval) => <Card key={keyOf(approval)} approval={approval} />)
      ) : (
        <Empty title="Nothing waits for an answer">
          <p>When an appliance may repair something only with your leave, it asks here.</p>
        </Empty>
      )}
      {waiting.next_cursor !== null && <p>There are more; they follow once these are answered.</p>}
      {answered.length > 0 && <h2>Answered before</h2>}
      {answered.map((approval) => (
        <Card key={keyOf(approval)} approval={approval} />
      ))}
    </>
  );
}

function Card({ approval }: { approval: Approval }) {
  return (
    <ApprovalCard
      approval={approval}
      progress={
        approval.order_id && (
          <OrderProgress siteId={approval.site_id} orderId={approval.order_id} />
        )
      }
    />
  );
}

function keyOf(approval: Approval): string {
  return `${approval.site_id} ${approval.id}`;
}
