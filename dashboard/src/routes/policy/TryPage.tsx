/** /policy/try: what the rules in force would decide, at any instant, about any finding. */
import { useQuery } from "@tanstack/react-query";
import { siteNamesQuery } from "@/features/policies/get-sites";
import { vocabularyQuery } from "@/features/policies/get-vocabulary";
import { Simulator } from "@/features/policies/Simulator";
import { PolicyTabs } from "@/routes/policy/tabs";
import { Page, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function TryPage() {
  const vocabulary = useQuery(vocabularyQuery);
  const sites = useQuery(siteNamesQuery);
  return (
    <Page
      title="Policy"
      lead="What would be decided about a finding. Nothing is run, counted or reserved."
    >
      <PolicyTabs />
      <Panel title="Try the rules in force">
        <Loaded query={vocabulary}>
          {(words) => (
            <Loaded query={sites}>
              {(places) => <Simulator vocabulary={words} sites={places} about={{}} />}
            </Loaded>
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
