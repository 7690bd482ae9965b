/** Where an order stands on its way, and what became of it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Order } from "@/api/types";
import { CancelButton } from "@/features/orders/CancelButton";
import { orderQuery } from "@/features/orders/get-order";
import classes from "@/features/orders/OrderProgress.module.css";
import { type Stage, stages } from "@/features/orders/stages";
import { Icon, type IconName } from "@/ui/icons";
import { Loaded, Loading } from "@/ui/States";
import { Time } from "@/ui/Time";

const ICONS: Record<Stage["state"], IconName> = {
  done: "pass",
  now: "clock",
  ahead: "not_applicable",
  failed: "fail",
};
const SPOKEN: Record<Stage["state"], string> = {
  done: "done",
  now: "now",
  ahead: "not yet",
  failed: "ended here",
};

export function OrderProgress({ siteId, orderId }: { siteId: string; orderId: string }) {
  const query = useQuery(orderQuery(siteId, orderId));
  return (
    <Loaded query={query} loading={<Loading rows={1} height={48} />}>
      {(order) => <Progress order={order} />}
    </Loaded>
  );
}

function Progress({ order }: { order: Order }) {
  return (
    <div className={classes.progress}>
      <ol className={classes.stages} aria-label="Progress of the order" aria-live="polite">
        {stages(order).map((stage) => (
          <li key={stage.label} data-state={stage.state}>
            <Icon name={ICONS[stage.state]} size={14} />
            <span>
              {stage.label}
              <span className="visually-hidden">, {SPOKEN[stage.state]}</span>
              {stage.at && (
                <small>
                  <Time at={stage.at} />
                </small>
              )}
            </span>
          </li>
        ))}
      </ol>
      {order.frozen && (
        <p className={classes.result} data-failed>
          It waits while everything is frozen here, and expires if that lasts too long.
        </p>
      )}
      <Result order={order} />
      <p className={classes.meta}>
        {order.requested_by_name && <span>Ordered by {order.requested_by_name}</span>}
        {order.reason && <span>Reason: {order.reason}</span>}
        {order.log_index !== null && (
          <Link
            to="/sites/$siteId/evidence/$logIndex"
            params={{ siteId: order.site_id, logIndex: String(order.log_index) }}
          >
            Log entry {order.log_index}
          </Link>
        )}
        {order.incident_id && (
          <Link
            to="/sites/$siteId/incidents/$incidentId"
            params={{ siteId: order.site_id, incidentId: order.incident_id }}
          >
            Incident
          </Link>
        )}
      </p>
      {order.status === "pending" && <CancelButton order={order} />}
    </div>
  );
}

/** The appliance's own words, or Central's where it ended the order itself. */
function Result({ order }: { order: Order }) {
  const { code, detail, status } = order;
  if (!detail && !code) return null;
  return (
    <p className={classes.result} data-failed={status !== "succeeded" || undefined}>
      {detail || code?.replaceAll("_", " ")}
    </p>
  );
}
