/** /policy/rule: one rule, or a new one, in the editor; beside it what the change would do. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { POLICY_WRITE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { useAuthorWords } from "@/features/policies/author";
import { DeleteRule } from "@/features/policies/DeleteRule";
import { RuleEditor } from "@/features/policies/editor/RuleEditor";
import { rulesQuery } from "@/features/policies/get-rules";
import { siteNamesQuery } from "@/features/policies/get-sites";
import { vocabularyQuery } from "@/features/policies/get-vocabulary";
import { emptyRule, type Rule, withoutStamp } from "@/features/policies/rule";
import { Simulator } from "@/features/policies/Simulator";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Time } from "@/ui/Time";

const POLICY = { label: "Policy", to: "/policy" } as const;

export function RulePage() {
  const { id, like } = useSearch({ from: "/frame/policy/rule" });
  const rules = useQuery(rulesQuery);
  return (
    <Loaded query={rules}>
      {(all) => <Opened key={`${id} ${like}`} id={id} like={like} rules={all} />}
    </Loaded>
  );
}

function Opened(props: { id: string | undefined; like: string | undefined; rules: Rule[] }) {
  const { id, like, rules } = props;
  const live = id === undefined ? undefined : (rules.find((rule) => rule.id === id) ?? null);
  // What the author began with stays, whatever becomes of the rule meanwhile.
  const [initial] = useState<Rule | null>(() => {
    if (live !== undefined) return live;
    const model = rules.find((rule) => rule.id === like);
    return model ? { ...withoutStamp(model), id: `${model.id}-copy` } : emptyRule();
  });
  if (initial === null) {
    return (
      <Page title="No such rule" up={POLICY}>
        <Empty title="There is no rule with this id">
          <p>Somebody may have deleted it.</p>
        </Empty>
      </Page>
    );
  }
  return <Editing initial={initial} live={live} rules={rules} />;
}

function Editing(props: { initial: Rule; live: Rule | null | undefined; rules: Rule[] }) {
  const { initial, live, rules } = props;
  const vocabulary = useQuery(vocabularyQuery);
  const sites = useQuery(siteNamesQuery);
  const navigate = useNavigate();
  const canWrite = usePermission(POLICY_WRITE);
  const [isDeleting, deletion] = useDisclosure();
  const isNew = live === undefined;
  return (
    <Page
      title={isNew ? "New rule" : initial.name || initial.id}
      up={POLICY}
      lead={live && <Stamp rule={live} />}
      actions={
        live &&
        canWrite && (
          <>
            <Button
              variant="default"
              renderRoot={(given) => <Link to="/policy/rule" search={{ like: live.id }} {...given} />}
            >
              Make one like it
            </Button>
            <Button variant="default" onClick={deletion.open}>
              Delete…
            </Button>
          </>
        )
      }
    >
      <Loaded query={vocabulary}>
        {(words) => (
          <Loaded query={sites}>
            {(places) => (
              <RuleEditor
                initial={initial}
                live={live}
                vocabulary={words}
                sites={places}
                canWrite={canWrite}
                onSaved={() => void navigate({ to: "/policy" })}
                tryIt={(draft) =>
                  draft && (
                    <Panel title="Try this draft">
                      <Simulator
                        vocabulary={words}
                        sites={places}
                        about={{
                          kpiId: draft.when.kpiId,
                          severity: draft.when.severity[0],
                          site: draft.scope?.site ?? undefined,
                          host: draft.scope?.host ?? undefined,
                        }}
                        drafts={laid(rules, draft)}
                      />
                    </Panel>
                  )
                }
              />
            )}
          </Loaded>
        )}
      </Loaded>
      {live && <DeleteRule rule={live} isOpen={isDeleting} onClose={deletion.close} />}
    </Page>
  );
}

/** The rules in force with the draft in its place. */
function laid(rules: Rule[], draft: Rule): Rule[] {
  return [...rules.filter(({ id }) => id !== draft.id), draft].map(withoutStamp);
}

function Stamp({ rule }: { rule: Rule }) {
  const authorWords = useAuthorWords();
  return (
    <>
      Revision {rule.revision}
      {rule.updatedBy && `, by ${authorWords(rule.updatedBy)}`}
      {rule.updatedAt && (
        <>
          {" "}
          (<Time at={rule.updatedAt} />)
        </>
      )}
    </>
  );
}
