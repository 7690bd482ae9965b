/** /sites/{id}/evidence/{index}: one entry of the site's log. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { EntryView } from "@/features/evidence/EntryView";
import { entryQuery } from "@/features/evidence/get-entry";
import { Page } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function EntryPage() {
  const { siteId, logIndex } = useParams({ from: "/frame/sites/$siteId/evidence/$logIndex" });
  const index = Number(logIndex);
  const query = useQuery(entryQuery(siteId, index));
  return (
    <Page
      title={`Log entry ${logIndex}`}
      up={{
        label: "Evidence log",
        to: "/sites/$siteId",
        params: { siteId },
        search: { tab: "evidence" },
      }}
      lead="What was signed, and the proof that it stands in the site's log."
    >
      <Loaded query={query}>
        {(entry) => <EntryView siteId={siteId} logIndex={index} entry={entry} />}
      </Loaded>
    </Page>
  );
}
