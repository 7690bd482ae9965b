/** What a change of the rules would have made of past decisions: how many, from what to what. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import {
  type Change,
  type Example,
  type Replay,
  replayQuery,
  type Turn,
} from "@/features/policies/get-replay";
import classes from "@/features/policies/Past.module.css";
import { useNames } from "@/features/policies/names";
import { counted, spanWords } from "@/features/policies/past-words";
import type { Names } from "@/features/policies/words";
import { Badge } from "@/ui/Badge";
import { Loaded } from "@/ui/States";
import { Time } from "@/ui/Time";
import { codeWords, VERDICT, wordFor } from "@/ui/words";

const EXAMPLES_SHOWN = 3;
const INCIDENT = "inc_";

export function Past({ change }: { change: Change }) {
  const names = useNames();
  const query = useQuery(replayQuery(change));
  return (
    <div className={classes.past} aria-live="polite">
      <Loaded query={query} loading={<PastLoading />}>
        {(replay) => <PastNumbers replay={replay} names={names} />}
      </Loaded>
    </div>
  );
}

export function PastLoading() {
  return (
    <p className={classes.quiet} role="status">
      Trying it on what was decided lately…
    </p>
  );
}

function PastNumbers({ replay, names }: { replay: Replay; names: Names }) {
  const turned = replay.turns.reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      <p>
        <Said replay={replay} turned={turned} />
      </p>
      {turned > 0 && (
        <ul className={classes.turns} aria-label="What would have come out otherwise">
          {replay.turns.map((turn) => (
            <TurnRow key={`${turn.from} ${turn.to}`} turn={turn} names={names} />
          ))}
        </ul>
      )}
      {notes(replay).map((note, place) => (
        <p key={place} className={classes.quiet}>
          {note}
        </p>
      ))}
    </>
  );
}

function Said({ replay, turned }: { replay: Replay; turned: number }) {
  const span = spanWords(replay);
  if (replay.judged === 0) return <>No decision {span} is about what this changes.</>;
  if (turned === 0) {
    return <>{counted(replay.judged, "decision")} {span}: all would have come out the same.</>;
  }
  return (
    <>
      <b>
        {turned} of {counted(replay.judged, "decision")}
      </b>{" "}
      {span} would have come out otherwise.
    </>
  );
}

function TurnRow({ turn, names }: { turn: Turn; names: Names }) {
  const sites = turn.sites > 0 ? ` at ${counted(turn.sites, "site")}` : "";
  return (
    <li>
      <p className={classes.turn}>
        <Badge word={wordFor(VERDICT, turn.from)} />
        <span>→</span>
        <Badge word={wordFor(VERDICT, turn.to)} />
        <span>
          {turn.count}
          {sites}
        </span>
      </p>
      {turn.examples.length > 0 && (
        <details>
          <summary>Examples</summary>
          <ul aria-label="Examples">
            {turn.examples.slice(0, EXAMPLES_SHOWN).map((example) => (
              <li key={`${example.alertId} ${example.at}`}>
                <ExampleWords example={example} names={names} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

function ExampleWords({ example, names }: { example: Example; names: Names }) {
  const { alertId, site, action, kpiId, before, after } = example;
  const check = names.checks.get(kpiId) ?? kpiId;
  const where = site === null ? "" : ` at ${names.sites.get(site) ?? site}`;
  return (
    <>
      {site !== null && alertId.startsWith(INCIDENT) ? (
        <Link
          to="/sites/$siteId/incidents/$incidentId"
          params={{ siteId: site, incidentId: alertId }}
        >
          {check}
        </Link>
      ) : (
        check
      )}
      {where}, <Time at={example.at} />
      {action !== null && `: ${names.runbooks.get(action) ?? action}`}
      <small>
        {codeWords(before.code)} → {codeWords(after.code)}
        {after.ruleId !== null && <> ({after.ruleId})</>}
      </small>
    </>
  );
}

function notes({ complete, leftOut, uncountedRuleIds }: Replay): ReactNode[] {
  return [
    ...(complete ? [] : ["There are older ones, which were not looked at."]),
    ...(leftOut > 0
      ? [
          `Left out: ${counted(leftOut, "decision")} that a limit or a cooldown had refused. What had` +
            " been used is not kept.",
        ]
      : []),
    ...(uncountedRuleIds.length > 0
      ? ["Limits and cooldowns that change count as not used yet."]
      : []),
  ];
}
