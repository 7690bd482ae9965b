/** What runs taught so far, per pattern and runbook, and what each lacks. */
import type { Pattern } from "@/api/types";
import { meritWords } from "@/features/promotions/merit";
import { Cell, Row, Table } from "@/ui/Table";
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
            <Cell key="pattern" below={one.pattern_signature}>
              {one.check}
            </Cell>,
            <Cell
              key="counts"
              below={`${one.l1_count} L1, ${one.l2_count} L2, ${one.l3_count} L3`}
            >
              {one.total_count}
            </Cell>,
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
    <>
      {pattern.runbooks.map((book) => (
        <Cell
          key={book.runbook_digest}
          below={book.lacking.length > 0 ? `lacks: ${book.lacking.join("; ")}` : "may be promoted"}
        >
          {book.runbook_id}: {meritWords(book)}
        </Cell>
      ))}
    </>
  );
}
