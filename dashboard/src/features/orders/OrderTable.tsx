/** Orders as rows: what was asked of the appliance, by whom and why, and what became of it. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Order } from "@/api/types";
import { CancelButton } from "@/features/orders/CancelButton";
import classes from "@/features/orders/OrderProgress.module.css";
import { Badge } from "@/ui/Badge";
import { useSteady } from "@/ui/steady";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";
import { ORDER } from "@/ui/words";

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
    <div key="who" className={classes.cell}>
      {order.requested_by_name ?? order.requested_by}
      <small>{order.reason || "no reason given"}</small>
    </div>,
    <div key="result" className={classes.cell}>
      {order.detail || order.code?.replaceAll("_", " ") || "—"}
      {order.log_index !== null && (
        <small>
          <Link
            to="/sites/$siteId/evidence/$logIndex"
            params={{ siteId: order.site_id, logIndex: String(order.log_index) }}
          >
            Log entry {order.log_index}
          </Link>
        </small>
      )}
      {order.status === "pending" && <CancelButton order={order} />}
    </div>,
    <Time key="given" at={order.created_at} />,
  ];
}

const DEED: Record<Order["kind"], string> = {
  run_runbook: "",
  clear_hold: "Clear the hold: ",
  undo_run: "Undo: ",
};

function What({ order }: { order: Order }) {
  const what = `${DEED[order.kind]}${order.runbook_title}`;
  return (
    <div className={classes.cell}>
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
      <small>{order.check}</small>
    </div>
  );
}
