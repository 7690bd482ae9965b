/** From an incident that is open to accepting what fails there, or to what is accepted already. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { DEVIATIONS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";

const ENDED = new Set(["healed", "stable", "resolved"]);

export function AcceptLink({ incident }: { incident: Incident }) {
  const mayAccept = usePermission(DEVIATIONS);
  if (!mayAccept || ENDED.has(incident.state) || acceptedAs(incident) !== null) return null;
  return (
    <Button
      size="md"
      variant="default"
      renderRoot={(props) => (
        <Link
          {...props}
          to="/sites/$siteId/accept/$check"
          params={{ siteId: incident.site_id, check: incident.check }}
          search={{ host: incident.host_id }}
        />
      )}
    >
      Accept this state…
    </Button>
  );
}

export function AcceptedNote({ incident }: { incident: Incident }) {
  const accepted = acceptedAs(incident);
  if (ENDED.has(incident.state) || accepted === null) return null;
  return (
    <p>
      <Link to="/deviations/$deviationId" params={{ deviationId: accepted }}>
        The accepted deviation
      </Link>
    </p>
  );
}

/** The deviation that the incident itself names. */
function acceptedAs({ decision }: Incident): string | null {
  const told = decision as { code?: unknown; deviation?: { id?: unknown } } | null;
  const id = told?.code === "accepted" ? told.deviation?.id : null;
  return typeof id === "string" ? id : null;
}
