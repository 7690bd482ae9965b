/** The rules of a page: what each says in plain words, how it stands, and what is the matter. */
import { Link } from "@tanstack/react-router";
import type { Finding } from "@/features/policies/get-findings";
import { type Rule } from "@/features/policies/rule";
import classes from "@/features/policies/RuleTable.module.css";
import { type Frozen, shownState, type Standing } from "@/features/policies/state";
import {
  actionWords,
  approvalWords,
  checkWords,
  effectWords,
  limitWords,
  type Names,
  scopeWords,
  severityWords,
  windowWords,
} from "@/features/policies/words";
import { Badge } from "@/ui/Badge";
import { useNow } from "@/ui/now";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";

const COLUMNS = ["Rule", "State", "When", "Then", "Where", "Open", "Limits"];

interface Props {
  rules: Rule[];
  names: Names;
  standings: ReadonlyMap<string, Standing>;
  findings: ReadonlyMap<string, Finding[]>;
  frozen: Frozen;
}

export function RuleTable({ rules, names, standings, findings, frozen }: Props) {
  return (
    <Table label="Policy rules" columns={COLUMNS}>
      {rules.map((rule) => (
        <Row
          key={rule.id}
          columns={COLUMNS}
          cells={[
            <Name key="rule" rule={rule} found={findings.get(rule.id) ?? []} />,
            <State key="state" rule={rule} standing={standings.get(rule.id)} frozen={frozen} />,
            <div key="when" className={classes.pair}>
              <span>{checkWords(rule, names)}</span>
              <small>{severityWords(rule.when.severity)}</small>
              {rule.when.condition && <code>{rule.when.condition}</code>}
            </div>,
            <div key="then" className={classes.pair}>
              <span>
                {effectWords(rule)}: {actionWords(rule, names)}
              </span>
              {rule.effect !== "deny" && rule.approval?.required && (
                <small>Approval: {approvalWords(rule)}</small>
              )}
            </div>,
            scopeWords(rule.scope, names),
            windowWords(rule),
            <Limits key="limits" words={limitWords(rule)} />,
          ]}
        />
      ))}
    </Table>
  );
}

function Name({ rule, found }: { rule: Rule; found: Finding[] }) {
  return (
    <div className={classes.rule}>
      <Link to="/policy/rule" search={{ id: rule.id }}>
        {rule.name || rule.id}
      </Link>
      {rule.name && <code>{rule.id}</code>}
      {found.map((finding) => (
        <small key={`${finding.code} ${finding.message}`} data-level={finding.level}>
          {finding.code.replaceAll("_", " ")}: {finding.message}
        </small>
      ))}
    </div>
  );
}

function State(props: { rule: Rule; standing: Standing | undefined; frozen: Frozen }) {
  const now = useNow().getTime();
  const { word, turn, note } = shownState(props.rule, now, props.standing, props.frozen);
  return (
    <div className={classes.pair}>
      <Badge word={word} />
      {turn && (
        <small>
          {turn.verb} <Time at={turn.at} as="clock" />
        </small>
      )}
      {note && <small>{note}</small>}
    </div>
  );
}

function Limits({ words }: { words: string[] }) {
  if (words.length === 0) return <span className={classes.none}>none</span>;
  return (
    <ul>
      {words.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
