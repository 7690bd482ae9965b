/** Holds that ended: who cleared each, when and why. */
import { Link } from "@tanstack/react-router";
import type { Hold } from "@/api/types";
import classes from "@/features/holds/HoldCard.module.css";
import { Row, Table } from "@/ui/Table";
import { MaybeTime, Time } from "@/ui/Time";

const COLUMNS = ["Host", "Runbook", "Site", "Set", "Why", "Cleared", "By and why"];

export function HoldTable({ holds }: { holds: Hold[] }) {
  return (
    <Table label="Holds that ended" columns={COLUMNS}>
      {holds.map((hold) => (
        <Row
          key={hold.id}
          columns={COLUMNS}
          cells={[
            hold.host_name ?? hold.host_id,
            <div key="runbook" className={classes.cell}>
              <What hold={hold} />
              <small>{hold.check}</small>
            </div>,
            <Link key="site" to="/sites/$siteId" params={{ siteId: hold.site_id }}>
              {hold.site_name}
            </Link>,
            <Time key="set" at={hold.suppressed_at} />,
            hold.reason,
            <MaybeTime key="cleared" at={hold.cleared_at} none="—" />,
            <div key="by" className={classes.cell}>
              {hold.cleared_by_name ?? hold.cleared_by ?? "—"}
              <small>{hold.clear_reason}</small>
            </div>,
          ]}
        />
      ))}
    </Table>
  );
}

function What({ hold }: { hold: Hold }) {
  if (!hold.incident_id) return <>{hold.runbook_title}</>;
  return (
    <Link
      to="/sites/$siteId/incidents/$incidentId"
      params={{ siteId: hold.site_id, incidentId: hold.incident_id }}
    >
      {hold.runbook_title}
    </Link>
  );
}
