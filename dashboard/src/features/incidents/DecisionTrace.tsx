/** The verdict, and every check that led to it, also those after the first refusal. */
import classes from "@/features/incidents/Story.module.css";
import type { Decided, Story } from "@/features/incidents/story";
import { Badge } from "@/ui/Badge";
import { Hash } from "@/ui/Copy";
import { Trace } from "@/ui/Trace";
import { capital, codeWords, VERDICT, wordFor } from "@/ui/words";

export function DecisionTrace(props: { decision: Decided; runbook: Story["runbook"] }) {
  const { decision, runbook } = props;
  return (
    <>
      <p className={classes.says}>
        <Badge word={wordFor(VERDICT, decision.verdict)} />
        <span>
          {decision.code && `${capital(codeWords(decision.code))}.`}
          {decision.would && (
            <>
              {" "}
              Otherwise it would have been <b>{wordFor(VERDICT, decision.would.verdict).label}</b>
              {decision.would.code && ` (${codeWords(decision.would.code)})`}.
            </>
          )}
        </span>
      </p>
      <Trace steps={decision.trace} />
      <p className={classes.meta}>
        {runbook && (
          <span>
            Runbook <code>{runbook.id}</code> {runbook.version && `v${runbook.version}`},{" "}
            {runbook.risk} risk, digest <Hash value={runbook.digest} />
          </span>
        )}
        {(decision.ruleId ?? decision.would?.ruleId) && (
          <span>
            Rule <code>{decision.ruleId ?? decision.would?.ruleId}</code>
          </span>
        )}
        {decision.policyRevision !== null && <span>Policy revision {decision.policyRevision}</span>}
      </p>
    </>
  );
}
