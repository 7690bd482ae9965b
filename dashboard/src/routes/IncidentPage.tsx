/** /sites/{id}/incidents/{incident}: one sentence, then the whole story. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Incident } from "@/api/types";
import { incidentQuery } from "@/features/incidents/get-incident";
import { IncidentStory } from "@/features/incidents/IncidentStory";
import { tell } from "@/features/incidents/story";
import { Deeds } from "@/routes/incident/Deeds";
import classes from "@/routes/routes.module.css";
import { Badge, SeverityMark } from "@/ui/Badge";
import { Page } from "@/ui/Page";
import { Loaded, Loading } from "@/ui/States";
import { Time } from "@/ui/Time";
import { STATE, wordFor } from "@/ui/words";

export function IncidentPage() {
  const { siteId, incidentId } = useParams({ from: "/frame/sites/$siteId/incidents/$incidentId" });
  const query = useQuery(incidentQuery(siteId, incidentId));
  return (
    <Loaded query={query} loading={<Loading rows={4} height={140} />}>
      {(incident) => <IncidentView incident={incident} />}
    </Loaded>
  );
}

function IncidentView({ incident }: { incident: Incident }) {
  const story = tell(incident);
  const host = incident.host_name ?? incident.host_id;
  return (
    <Page
      title={`${incident.check} on ${host}`}
      heading={<span className={classes.sentence}>{incident.sentence}</span>}
      up={{
        label: incident.site_name,
        to: "/sites/$siteId",
        params: { siteId: incident.site_id },
        search: { tab: "incidents" },
      }}
      lead={
        <span className={classes.lead}>
          <Badge word={wordFor(STATE, incident.state)} />
          <SeverityMark severity={incident.severity} />
          <span>
            opened <Time at={incident.opened_at} />
          </span>
          <span>
            measured <Time at={incident.latest.measured_at} />
          </span>
          {incident.watched_until && (
            <span>
              watched until <Time at={incident.watched_until} as="clock" />
            </span>
          )}
          {incident.owner_name && <span>with {incident.owner_name}</span>}
          {incident.silent && (
            <span className={classes.silent}>
              appliance silent
              {incident.heard_at && (
                <>
                  , last heard <Time at={incident.heard_at} />
                </>
              )}
            </span>
          )}
        </span>
      }
    >
      <Deeds incident={incident} story={story} />
      <IncidentStory incident={incident} story={story} />
    </Page>
  );
}
