/** Records as rows; who, what and where narrow the list, the number opens the record. */
import type { ReactNode } from "react";
import type { AuditRow } from "@/api/types";
import classes from "@/features/audit/Audit.module.css";
import type { AuditFilter } from "@/features/audit/filter";
import { proofWord } from "@/features/audit/proof";
import { Badge } from "@/ui/Badge";
import { useSteady } from "@/ui/steady";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";

const COLUMNS = ["Record", "When", "Who", "Action", "Subject", "Site", "Reason", "State"];

interface Props {
  rows: AuditRow[];
  narrow: (by: AuditFilter) => void;
  open: (seq: number) => void;
}

export function AuditTable({ rows, narrow, open }: Props) {
  const steady = useSteady(rows, (row) => String(row.seq));
  return (
    <Table label="Audit log" columns={COLUMNS} steady={steady}>
      {steady.rows.map((row) => (
        <Row
          key={row.seq}
          columns={COLUMNS}
          isFresh={steady.isFresh(row)}
          cells={[
            <Pick key="record" say={`Open record ${row.seq}`} onClick={() => open(row.seq)}>
              {row.seq}
            </Pick>,
            <Time key="when" at={row.at} />,
            <div key="who" className={classes.cell}>
              <Pick say={`Only what ${nameOf(row)} did`} onClick={() => narrow({ actor: row.actor })}>
                {nameOf(row)}
              </Pick>
              <small>{row.address ?? row.actor_kind}</small>
            </div>,
            <Pick
              key="action"
              say={`Only ${row.action}`}
              onClick={() => narrow({ action: row.action })}
            >
              {row.action}
            </Pick>,
            <span key="subject" className={classes.id}>
              {row.subject}
            </span>,
            row.site_id ? (
              <Pick
                key="site"
                say={`Only at ${row.site_name ?? row.site_id}`}
                onClick={() => narrow({ site: row.site_id ?? undefined })}
              >
                {row.site_name ?? row.site_id}
              </Pick>
            ) : (
              "—"
            ),
            row.reason ?? "—",
            <Badge key="state" word={proofWord(row)} quiet />,
          ]}
        />
      ))}
    </Table>
  );
}

function Pick(props: { say: string; onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={classes.pick} title={props.say} onClick={props.onClick}>
      {props.children}
    </button>
  );
}

function nameOf(row: AuditRow): string {
  return row.actor_name ?? row.actor;
}
