/** The site's log as rows. */
import { Link } from "@tanstack/react-router";
import type { EvidencePage, EvidenceRow } from "@/api/types";
import { coverage } from "@/features/evidence/coverage";
import { Badge } from "@/ui/Badge";
import { Hash } from "@/ui/Copy";
import { useSteady } from "@/ui/steady";
import { Row, Table } from "@/ui/Table";
import { MaybeTime } from "@/ui/Time";
import { OUTCOME, OUTCOMES } from "@/ui/words";

const COLUMNS = ["Index", "Kind", "Host", "Stream", "Results", "Hash", "State", "Received"];

export function EvidenceTable({ siteId, page }: { siteId: string; page: EvidencePage }) {
  const steady = useSteady(page.items, (row) => String(row.log_index));
  return (
    <Table label="Evidence log" columns={COLUMNS} steady={steady}>
      {steady.rows.map((row) => (
        <Row
          key={row.log_index}
          columns={COLUMNS}
          isFresh={steady.isFresh(row)}
          cells={[
            <Link
              key="index"
              to="/sites/$siteId/evidence/$logIndex"
              params={{ siteId, logIndex: String(row.log_index) }}
            >
              {row.log_index}
            </Link>,
            row.bundle_type ?? row.kind,
            row.host_name ?? row.host_id ?? "—",
            `e${row.epoch} · ${row.seq}`,
            outcomeWords(row),
            row.bundle_hash ? <Hash key="hash" value={row.bundle_hash} /> : "—",
            <Badge key="state" word={coverage(row.log_index, page.log)} quiet />,
            <MaybeTime key="received" at={row.received_at} none="—" />,
          ]}
        />
      ))}
    </Table>
  );
}

function outcomeWords(row: EvidenceRow): string {
  const counts = row.outcomes as Partial<Record<string, number>> | null;
  const parts = OUTCOMES.filter((outcome) => counts?.[outcome]).map(
    (outcome) => `${counts?.[outcome]} ${OUTCOME[outcome].label.toLowerCase()}`,
  );
  return parts.join(", ") || "—";
}
