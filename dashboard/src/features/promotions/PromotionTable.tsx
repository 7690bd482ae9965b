/** Promotions that are over: who or what ended each, when and why. */
import { Link } from "@tanstack/react-router";
import type { Promotion } from "@/api/types";
import { Badge } from "@/ui/Badge";
import { Cell, Row, Table } from "@/ui/Table";
import { MaybeTime } from "@/ui/Time";
import { STAGE } from "@/ui/words";

const COLUMNS = ["Runbook", "Ended as", "When", "By and why"];

export function PromotionTable({ promotions }: { promotions: Promotion[] }) {
  return (
    <Table label="Promotions that are over" columns={COLUMNS}>
      {promotions.map((one) => (
        <Row
          key={one.id}
          columns={COLUMNS}
          cells={[
            <Cell key="runbook" below={one.check}>
              <Link to="/promotions/$promotionId" params={{ promotionId: one.id }}>
                {one.runbook_title}
              </Link>
            </Cell>,
            <Badge key="stage" word={STAGE[one.stage]} />,
            <MaybeTime key="when" at={one.ended_at} none="—" />,
            <Cell key="by" below={one.last_reason}>
              {one.last_by_name}
            </Cell>,
          ]}
        />
      ))}
    </Table>
  );
}
