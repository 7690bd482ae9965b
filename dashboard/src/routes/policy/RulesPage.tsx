/** /policy: all rules, how each stands, and the way to change one. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { POLICY_WRITE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { freezesQuery } from "@/features/freezes/get-freezes";
import { matching, pageOf, type RuleFilter } from "@/features/policies/filter";
import { type Finding, findingsQuery } from "@/features/policies/get-findings";
import { rulesQuery } from "@/features/policies/get-rules";
import { standingQuery } from "@/features/policies/get-standing";
import { useNames } from "@/features/policies/names";
import type { Rule } from "@/features/policies/rule";
import { RulePager } from "@/features/policies/RulePager";
import { RuleTable } from "@/features/policies/RuleTable";
import { RuleTools } from "@/features/policies/RuleTools";
import { type Frozen, NOTHING_FROZEN } from "@/features/policies/state";
import { PolicyTabs } from "@/routes/policy/tabs";
import { Page, Panel } from "@/ui/Page";
import { useNow } from "@/ui/now";
import { Empty, Loaded } from "@/ui/States";

const MINUTE_MS = 60_000;

export function RulesPage() {
  const query = useQuery(rulesQuery);
  return (
    <Page
      title="Policy"
      lead="Which runbook may run where, when, and after whose approval. Every decision names the rule it followed."
    >
      <PolicyTabs />
      <Loaded query={query}>{(rules) => <Rules rules={rules} />}</Loaded>
    </Page>
  );
}

function Rules({ rules }: { rules: Rule[] }) {
  const filter = useSearch({ from: "/frame/policy" });
  const navigate = useNavigate();
  const names = useNames();
  const canWrite = usePermission(POLICY_WRITE);
  const minute = Math.floor(useNow().getTime() / MINUTE_MS);
  const found = useMemo(
    () => matching(rules, filter, names, minute * MINUTE_MS),
    [rules, filter, names, minute],
  );
  const page = pageOf(found, filter.page);
  const standings = useQuery(standingQuery(page.rows.map(({ id }) => id))).data;
  const findings = useQuery(findingsQuery).data?.findings;
  const frozen = useFrozen();
  const go = (search: RuleFilter) => void navigate({ to: "/policy", search, replace: true });
  return (
    <>
      <RuleTools
        filter={filter}
        shown={found.length}
        total={rules.length}
        canWrite={canWrite}
        onChange={go}
      />
      {found.length > 0 ? (
        <Panel>
          <RuleTable
            rules={page.rows}
            names={names}
            standings={new Map(standings?.map((each) => [each.id, each]))}
            findings={byRule(findings ?? [])}
            frozen={frozen}
          />
          <RulePager
            page={page.page}
            pages={page.pages}
            go={(wanted) => go({ ...filter, page: wanted > 1 ? wanted : undefined })}
          />
        </Panel>
      ) : (
        <Nothing isFiltered={rules.length > 0} />
      )}
    </>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No rule fits">
        <p>Search for less, or show all states.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No rule">
      <p>Without a rule nothing runs: what no rule allows is blocked.</p>
    </Empty>
  );
}

/** What a freeze stops now; one appliance's own freeze stops no rule as a whole. */
function useFrozen(): Frozen {
  const freezes = useQuery(freezesQuery()).data?.items;
  return useMemo(() => {
    if (!freezes) return NOTHING_FROZEN;
    const whole = freezes.filter((freeze) => freeze.state === "in_force" && !freeze.appliance_id);
    return {
      everything: whole.some(({ site_id }) => site_id === null),
      sites: new Set(whole.flatMap(({ site_id }) => site_id ?? [])),
    };
  }, [freezes]);
}

function byRule(findings: Finding[]): Map<string, Finding[]> {
  const found = new Map<string, Finding[]>();
  for (const finding of findings) {
    found.set(finding.ruleId, [...(found.get(finding.ruleId) ?? []), finding]);
  }
  return found;
}
