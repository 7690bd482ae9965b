/** Deviations that ended: what was lived with, and how that came to its end. */
import { Link } from "@tanstack/react-router";
import type { Deviation } from "@/api/types";
import { standing } from "@/features/deviations/stands";
import { Badge } from "@/ui/Badge";
import { Cell, Row, Table } from "@/ui/Table";
import { MaybeTime, Time } from "@/ui/Time";

const COLUMNS = ["Check", "Site", "Owner", "Accepted", "Ended", "How"];

export function DeviationTable({ deviations }: { deviations: Deviation[] }) {
  return (
    <Table label="Deviations that ended" columns={COLUMNS}>
      {deviations.map((one) => (
        <Row
          key={one.id}
          columns={COLUMNS}
          cells={[
            <Cell key="check" below={one.reason}>
              <Link to="/deviations/$deviationId" params={{ deviationId: one.id }}>
                {one.check_title}
              </Link>
            </Cell>,
            one.site_name,
            one.owner,
            <Time key="accepted" at={one.accepted_at} />,
            <MaybeTime key="ended" at={one.ended_at ?? one.until} none="—" />,
            <Badge key="how" word={standing(one)} quiet />,
          ]}
        />
      ))}
    </Table>
  );
}
