/** /runbooks: what repairs what, how far each is proved, and where it is stopped. */
import { useQuery } from "@tanstack/react-query";
import { runbooksQuery } from "@/features/runbooks/get-runbooks";
import { RunbookTable } from "@/features/runbooks/RunbookTable";
import { Page, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function RunbooksPage() {
  const query = useQuery(runbooksQuery);
  return (
    <Page
      title="Runbooks"
      lead="A repair counts as a success once its check has passed after the watch as well. What drifted again while it was watched counts against it."
    >
      <Loaded query={query}>
        {({ items, days }) => (
          <Panel title="All runbooks" note={`Heals of the last ${days} days, over all of your sites`}>
            <RunbookTable runbooks={items} />
          </Panel>
        )}
      </Loaded>
    </Page>
  );
}
