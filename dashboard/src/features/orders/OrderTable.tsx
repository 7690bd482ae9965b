/** Orders as rows: what was asked of the appliance, by whom and why, and what became of it. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Order } from "@/api/types";
import { CancelButton } from "@/features/orders/CancelButton";
import { Badge } from "@/ui/Badge";
import { useSteady } from "@/ui/steady";
import { Cell, Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";
import { ORDER, ORDER_KIND } from "@/ui/words";

const COLUMNS = ["State", "What", "Host", "Who and why", "Result", "Given"];

export function OrderTable({ orders }: { orders: Order[] }) {
  const steady = useSteady(orders, (order) => order.id);
  return (
    <Table label="Orders" columns={COLUMNS} steady={steady}>
      {steady.rows.map((order) => (
        <Row
          key={order.id}
          columns={COLUMNS}
          cells={cells(order)}
          isFresh={steady.isFresh(order)}
        />
      ))}
    </Table>
  );
}

function cells(order: Order): ReactNode[] {
  return [
    <Badge key="state" word={ORDER[order.status]} />,
    <What key="what" order={order} />,
    order.host_name ?? order.host_id,
    <Cell key="who" below={order.reason || "no reason given"}>
      {order.requested_by_name ?? order.requested_by}
    </Cell>,
    <Result key="result" order={order} />,
    <Time key="given" at={order.created_at} />,
  ];
}

function What({ order }: { order: Order }) {
  const what =
    order.kind === "run_runbook"
      ? order.runbook_title
      : [ORDER_KIND[order.kind], order.runbook_title].filter(Boolean).join(": ");
  return (
    <Cell below={order.check}>
      {order.incident_id ? (
        <Link
          to="/sites/$siteId/incidents/$incidentId"
          params={{ siteId: order.site_id, incidentId: order.incident_id }}
        >
          {what}
        </Link>
      ) : (
        what
      )}
    </Cell>
  );
}

function Result({ order }: { order: Order }) {
  const entry = order.log_index !== null && (
    <Link
      to="/sites/$siteId/evidence/$logIndex"
      params={{ siteId: order.site_id, logIndex: String(order.log_index) }}
    >
      Log entry {order.log_index}
    </Link>
  );
  return (
    <>
      <Cell below={entry}>{order.detail || order.code?.replaceAll("_", " ") || "—"}</Cell>
      {order.status === "pending" && <CancelButton order={order} />}
    </>
  );
}
