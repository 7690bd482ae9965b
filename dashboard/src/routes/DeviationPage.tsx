/** /deviations/{id}: what was accepted host by host, what is there now, and what became of it. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { AcceptedHosts } from "@/features/deviations/AcceptedHosts";
import { DeviationCard } from "@/features/deviations/DeviationCard";
import { EventList } from "@/features/deviations/EventList";
import { deviationQuery } from "@/features/deviations/get-deviation";
import { Page, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function DeviationPage() {
  const { deviationId } = useParams({ from: "/frame/deviations/$deviationId" });
  const story = useQuery(deviationQuery(deviationId));
  return (
    <Loaded query={story}>
      {(found) => (
        <Page
          title={found.check_title}
          up={{ to: "/deviations", label: "Accepted deviations" }}
          lead="What was accepted, by whom and until when"
        >
          <DeviationCard deviation={found} isInline />
          <Panel title="What was accepted, and what is there now">
            <AcceptedHosts story={found} />
          </Panel>
          <Panel title="What became of it">
            <EventList events={found.events} />
          </Panel>
        </Page>
      )}
    </Loaded>
  );
}
