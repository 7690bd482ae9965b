/** /policy: the rules in force. */
import { useQuery } from "@tanstack/react-query";
import { rulesQuery } from "@/features/policy/get-rules";
import { RuleTable } from "@/features/policy/RuleTable";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";

export function PolicyPage() {
  const query = useQuery(rulesQuery);
  return (
    <Page
      title="Policy"
      lead="Which runbook may run where, when, and after whose approval. Every decision names the rule it followed."
    >
      <Loaded query={query}>
        {(rules) =>
          rules.length > 0 ? (
            <Panel>
              <RuleTable rules={rules} />
            </Panel>
          ) : (
            <Empty title="No rule">
              <p>Without a rule nothing runs: what no rule allows is blocked.</p>
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}
