/** One approval: what was measured, what would be run, by whose leave; and what came of it. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Approval } from "@/api/types";
import { AnswerButtons } from "@/features/approvals/AnswerButtons";
import classes from "@/features/approvals/ApprovalCard.module.css";
import { needsWords, timesWords } from "@/features/approvals/needs";
import { Badge, SeverityMark } from "@/ui/Badge";
import { Card, Meta } from "@/ui/Card";
import { DiffView } from "@/ui/DiffView";
import { Time } from "@/ui/Time";
import { APPROVAL, capital, OUTCOME, wordFor } from "@/ui/words";

interface Props {
  approval: Approval;
  /** How its order goes, once it was approved. */
  progress: ReactNode;
  /** On the incident's own page the measurement and the link to it are there already. */
  isInline?: boolean;
}

export function ApprovalCard({ approval, progress, isInline = false }: Props) {
  const isPending = approval.state === "pending";
  return (
    <Card
      heading={isInline ? approval.runbook.title : <IncidentLink approval={approval} />}
      word={APPROVAL[approval.state]}
      mark={isPending ? "waits" : undefined}
    >
      {!isInline && <Where approval={approval} />}
      {!isInline && (
        <p>
          <Badge word={wordFor(OUTCOME, approval.measured.outcome)} quiet />{" "}
          {approval.measured.summary} (<Time at={approval.measured.measured_at} />)
        </p>
      )}
      <WouldRun approval={approval} />
      {isPending && <Leave approval={approval} />}
      <Votes votes={approval.votes} />
      {isPending ? <AnswerButtons approval={approval} /> : progress}
    </Card>
  );
}

function IncidentLink({ approval }: { approval: Approval }) {
  return (
    <Link
      to="/sites/$siteId/incidents/$incidentId"
      params={{ siteId: approval.site_id, incidentId: approval.incident_id }}
    >
      {approval.runbook.title}
    </Link>
  );
}

function Where({ approval }: { approval: Approval }) {
  return (
    <Meta>
      <b>{approval.host_name ?? approval.host_id}</b>
      <Link to="/sites/$siteId" params={{ siteId: approval.site_id }}>
        {approval.site_name}
      </Link>
      <span>{approval.check_title}</span>
      <SeverityMark severity={approval.severity} />
    </Meta>
  );
}

function WouldRun({ approval }: { approval: Approval }) {
  const { runbook, diff } = approval;
  return (
    <>
      <Meta>
        <span>
          Runbook <code>{runbook.id}</code> v{runbook.version}, <b>{runbook.risk} risk</b>
        </span>
        <span>
          Rule <code>{approval.rule_id}</code>
          {approval.rule_revision !== null && `, revision ${approval.rule_revision}`}
        </span>
      </Meta>
      {!runbook.known && (
        <p className={classes.warning}>
          This server does not know a runbook of this id and digest: judge it by its change alone.
        </p>
      )}
      <Change diff={diff} isFolded={approval.state !== "pending"} />
    </>
  );
}

/** Open while somebody has to judge it. */
function Change({ diff, isFolded }: { diff: string; isFolded: boolean }) {
  if (!diff) return <p className={classes.quiet}>Its trial run told of no change to a file.</p>;
  if (!isFolded) return <DiffView diff={diff} />;
  return (
    <details className={classes.change}>
      <summary>What was to be changed</summary>
      <DiffView diff={diff} />
    </details>
  );
}

function Leave({ approval }: { approval: Approval }) {
  const times = timesWords(approval.nth);
  return (
    <p className={classes.quiet}>
      {capital(needsWords(approval.needs).join("; "))}. Asked {times && <b>{times} </b>}
      {approval.requested_by_name ? `by ${approval.requested_by_name}` : "by the appliance"}{" "}
      <Time at={approval.created_at} />, expires <Time at={approval.expires_at} />.
    </p>
  );
}

function Votes({ votes }: { votes: Approval["votes"] }) {
  if (votes.length === 0) return null;
  return (
    <ul className={classes.votes} aria-label="Answers">
      {votes.map((vote) => (
        <li key={vote.user_id}>
          <b>{vote.user_name}</b> {vote.vote === "approve" ? "approved" : "rejected"} it{" "}
          <Time at={vote.at} />
          {vote.reason && `: ${vote.reason}`}
        </li>
      ))}
    </ul>
  );
}
