/** From an incident that is open to accepting what fails there. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { DEVIATIONS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";

const ENDED = new Set(["healed", "stable", "resolved"]);

export function AcceptLink({ incident }: { incident: Incident }) {
  const mayAccept = usePermission(DEVIATIONS);
  if (!mayAccept || ENDED.has(incident.state)) return null;
  return (
    <div>
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
    </div>
  );
}
