/** One hold: what flapped, since when, its ticket, and how it ends. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Hold } from "@/api/types";
import { ClearButton } from "@/features/holds/ClearButton";
import { Card, Meta } from "@/ui/Card";
import { Time } from "@/ui/Time";
import { HOLD } from "@/ui/words";

interface Props {
  hold: Hold;
  /** How the order that clears it goes. */
  progress: ReactNode;
  isInline?: boolean;
}

export function HoldCard({ hold, progress, isInline = false }: Props) {
  return (
    <Card
      heading={
        <>
          {hold.runbook_title} <span>· {hold.host_name ?? hold.host_id}</span>
        </>
      }
      word={HOLD[hold.state]}
      mark={hold.state === "active" ? "waits" : undefined}
    >
      <p>
        Not repaired by itself any more: {hold.reason.replace(/\.$/, "")}.{" "}
        {hold.set_by ? `Set by ${hold.set_by_name ?? hold.set_by}` : "On hold"} since{" "}
        <Time at={hold.suppressed_at} />.
      </p>
      <Meta>
        {!isInline && (
          <Link to="/sites/$siteId" params={{ siteId: hold.site_id }}>
            {hold.site_name}
          </Link>
        )}
        <span>
          Check <code>{hold.check}</code>, runbook <code>{hold.runbook_id}</code>
        </span>
        {!isInline && hold.incident_id && (
          <Link
            to="/sites/$siteId/incidents/$incidentId"
            params={{ siteId: hold.site_id, incidentId: hold.incident_id }}
          >
            The incident that it is about
          </Link>
        )}
      </Meta>
      {hold.cleared_at && (
        <p>
          Cleared <Time at={hold.cleared_at} /> by {hold.cleared_by_name ?? hold.cleared_by}:{" "}
          {hold.clear_reason}
        </p>
      )}
      {progress}
      {hold.state === "active" && <ClearButton hold={hold} />}
    </Card>
  );
}
