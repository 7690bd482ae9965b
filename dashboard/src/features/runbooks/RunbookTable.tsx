/** Runbooks as rows: what each repairs, how far it is proved, and where it is stopped. */
import { Link } from "@tanstack/react-router";
import type { Runbook } from "@/api/types";
import { proof } from "@/features/runbooks/proof";
import classes from "@/features/runbooks/RunbookTable.module.css";
import { how, unshown, where } from "@/features/runbooks/stops";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";

const COLUMNS = ["Runbook", "Repairs", "Risk", "Verified success", "Stopped"];

export function RunbookTable({ runbooks }: { runbooks: Runbook[] }) {
  return (
    <Table label="Runbooks" columns={COLUMNS}>
      {runbooks.map((one) => (
        <Row
          key={one.id}
          columns={COLUMNS}
          cells={[
            <div key="name" className={`${classes.name} ${classes.wide}`}>
              <b>{one.title}</b>
              <code>
                {one.id} v{one.version}
              </code>
            </div>,
            one.check_title,
            one.risk,
            <Proved key="proof" runbook={one} />,
            <Stops key="stops" runbook={one} />,
          ]}
        />
      ))}
    </Table>
  );
}

function Proved({ runbook }: { runbook: Runbook }) {
  const { headline, detail, isDoubtful } = proof(runbook);
  return (
    <div className={classes.name}>
      <span data-doubtful={isDoubtful || undefined}>{headline}</span>
      {detail && <small>{detail}</small>}
    </div>
  );
}

function Stops({ runbook }: { runbook: Runbook }) {
  const { stops, stopped } = runbook;
  const more = unshown(runbook);
  return (
    <>
      {stopped === 0 && "nowhere"}
      {stops.length > 0 && (
        <ul className={classes.stops}>
          {stops.map((stop) => (
            <li key={stop.id}>
              <Where stop={stop} />
              <small>
                {how(stop)} since <Time at={stop.since} />: {stop.reason}
              </small>
            </li>
          ))}
          {more > 0 && <li>and {more} more</li>}
        </ul>
      )}
    </>
  );
}

/** To where a person can look into it: the page that releases, or the incident of a hold. */
function Where({ stop }: { stop: Runbook["stops"][number] }) {
  if (stop.kind === "brake") return <Link to="/holds">{where(stop)}</Link>;
  if (!stop.incident_id || !stop.site_id) return <>{where(stop)}</>;
  return (
    <Link
      to="/sites/$siteId/incidents/$incidentId"
      params={{ siteId: stop.site_id, incidentId: stop.incident_id }}
    >
      {where(stop)}
    </Link>
  );
}
