/** Holds that ended: who cleared each, when and why. */
import { Link } from "@tanstack/react-router";
import type { Hold } from "@/api/types";
import { Cell, Row, Table } from "@/ui/Table";
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
            <Cell key="runbook" below={hold.check}>
              <What hold={hold} />
            </Cell>,
            <Link key="site" to="/sites/$siteId" params={{ siteId: hold.site_id }}>
              {hold.site_name}
            </Link>,
            <Time key="set" at={hold.suppressed_at} />,
            hold.reason,
            <MaybeTime key="cleared" at={hold.cleared_at} none="—" />,
            <Cell key="by" below={hold.clear_reason}>
              {hold.cleared_by_name ?? hold.cleared_by ?? "—"}
            </Cell>,
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
