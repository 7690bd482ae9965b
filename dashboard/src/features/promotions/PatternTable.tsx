/** What runs taught so far, per pattern and runbook, and what each lacks. */
import type { Pattern } from "@/api/types";
import { meritWords } from "@/features/promotions/merit";
import classes from "@/features/promotions/Promotion.module.css";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";

const COLUMNS = ["Pattern", "Incidents", "Lasted", "Runbooks and what they lack", "Last seen"];

export function PatternTable({ patterns }: { patterns: Pattern[] }) {
  return (
    <Table label="Patterns" columns={COLUMNS}>
      {patterns.map((one) => (
        <Row
          key={`${one.pattern_signature} ${one.check}`}
          columns={COLUMNS}
          cells={[
            <div key="pattern" className={classes.cell}>
              {one.check}
              <small>{one.pattern_signature}</small>
            </div>,
            <div key="counts" className={classes.cell}>
              {one.total_count}
              <small>
                {one.l1_count} L1, {one.l2_count} L2, {one.l3_count} L3
              </small>
            </div>,
            `${one.success_count} of ${one.total_count}`,
            <Runbooks key="runbooks" pattern={one} />,
            <Time key="seen" at={one.newest_at} />,
          ]}
        />
      ))}
    </Table>
  );
}

function Runbooks({ pattern }: { pattern: Pattern }) {
  if (pattern.runbooks.length === 0) return <>none was tried</>;
  return (
    <div className={classes.cell}>
      {pattern.runbooks.map((book) => (
        <div key={book.runbook_digest}>
          {book.runbook_id}: {meritWords(book)}
          <small>
            {book.lacking.length > 0 ? `lacks: ${book.lacking.join("; ")}` : "may be promoted"}
          </small>
        </div>
      ))}
    </div>
  );
}
