/** Incidents as rows; each leads to its story. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { IncidentRow } from "@/api/types";
import classes from "@/features/incidents/IncidentTable.module.css";
import { StartButton } from "@/features/incidents/StartButton";
import { Badge, SeverityMark } from "@/ui/Badge";
import { useSteady } from "@/ui/steady";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";
import { codeWords, STATE, VERDICT, wordFor } from "@/ui/words";

const COLUMNS = ["State", "What", "Host", "Severity", "Decision", "Opened"];

export function IncidentTable({ rows, withSite }: { rows: IncidentRow[]; withSite: boolean }) {
  const columns = withSite ? COLUMNS.toSpliced(3, 0, "Site") : COLUMNS;
  const steady = useSteady(rows, keyOf);
  return (
    <Table label="Incidents" columns={columns} steady={steady}>
      {steady.rows.map((row) => (
        <Row
          key={keyOf(row)}
          columns={columns}
          cells={cells(row, withSite)}
          isFresh={steady.isFresh(row)}
        />
      ))}
    </Table>
  );
}

function keyOf(row: IncidentRow): string {
  return `${row.site_id} ${row.id}`;
}

function cells(row: IncidentRow, withSite: boolean): ReactNode[] {
  const all = [
    <Badge key="state" word={wordFor(STATE, row.state)} />,
    <div key="what" className={classes.what}>
      <Link
        to="/sites/$siteId/incidents/$incidentId"
        params={{ siteId: row.site_id, incidentId: row.id }}
      >
        {row.summary}
      </Link>
      <code>{row.check}</code>
      {row.owner_name && <small>with {row.owner_name}</small>}
    </div>,
    <span key="host" className={classes.whole}>
      {row.host_name ?? row.host_id}
    </span>,
    <SeverityMark key="severity" severity={row.severity} />,
    <div key="decision" className={classes.decision}>
      {decisionWords(row)}
      {row.verdict === "offer" && <StartButton incident={row} isSmall />}
    </div>,
    <Time key="opened" at={row.opened_at} />,
  ];
  const site = (
    <Link to="/sites/$siteId" params={{ siteId: row.site_id }}>
      {row.site_name}
    </Link>
  );
  return withSite ? all.toSpliced(3, 0, site) : all;
}

function decisionWords(row: IncidentRow): string {
  if (!row.verdict) return row.state === "open" ? "not yet" : "none";
  if (row.would_verdict) return `Would ${wordFor(VERDICT, row.would_verdict).label.toLowerCase()}`;
  const verdict = wordFor(VERDICT, row.verdict).label;
  return row.verdict === "block" && row.code ? `${verdict}: ${codeWords(row.code)}` : verdict;
}
