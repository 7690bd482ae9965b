/** The ledger of a promotion: every step, by whom and why, from the first on. */
import type { PromotionStory } from "@/api/types";
import { Cell, Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";
import { capital } from "@/ui/words";

const COLUMNS = ["Step", "When", "By", "Where", "Why"];

export function LedgerTable({ story }: { story: PromotionStory }) {
  return (
    <Table label="Ledger" columns={COLUMNS}>
      {story.ledger.map((entry) => (
        <Row
          key={entry.number}
          columns={COLUMNS}
          cells={[
            <Cell key="step" below={entry.number}>
              {capital(entry.step)}
            </Cell>,
            <Time key="when" at={entry.at} as="clock" />,
            entry.by_name,
            entry.site_name ?? entry.appliance_name ?? entry.appliance_id ?? "—",
            entry.reason,
          ]}
        />
      ))}
    </Table>
  );
}
