/** The site's appliances: whether they answer, and what waits in their queues. */
import type { Appliance } from "@/api/types";
import { Online } from "@/ui/Online";
import { counted } from "@/ui/score";
import { Empty } from "@/ui/States";
import { Row, Table } from "@/ui/Table";
import { MaybeTime, Time } from "@/ui/Time";

const COLUMNS = ["Appliance", "State", "Check-ins", "Queue", "Policy", "Agent", "Enrolled"];

export function Appliances({ appliances }: { appliances: Appliance[] }) {
  if (appliances.length === 0) {
    return (
      <Empty title="No appliance yet">
        <p>An appliance is the machine at the clinic that runs the agent.</p>
      </Empty>
    );
  }
  return (
    <Table label="Appliances" columns={COLUMNS}>
      {appliances.map((appliance) => (
        <Row
          key={appliance.id}
          columns={COLUMNS}
          cells={[
            <div key="name">
              <b>{appliance.hostname}</b>
              <br />
              <code>{appliance.platform}</code>
            </div>,
            <Online key="state" total={1} online={appliance.is_online ? 1 : 0} />,
            appliance.is_online ? "on time" : <MaybeTime key="checkin" at={appliance.last_checkin} none="never" />,
            queueWords(appliance),
            policyWords(appliance),
            `${appliance.agent_version}, epoch ${appliance.epoch}`,
            <Time key="enrolled" at={appliance.enrolled_at} />,
          ]}
        />
      ))}
    </Table>
  );
}

function queueWords(appliance: Appliance): string {
  const waiting = appliance.pending_bundles
    ? `${counted(appliance.pending_bundles, "bundle")} waiting`
    : "empty";
  return appliance.quarantined_bundles
    ? `${waiting}; ${appliance.quarantined_bundles} quarantined`
    : waiting;
}

/** What is in force there; a set that it refused is told with the reason that it gave. */
function policyWords(appliance: Appliance): string {
  const held =
    appliance.policy_revision === null ? "none yet" : `revision ${appliance.policy_revision}`;
  return appliance.policy_refused_reason === null
    ? held
    : `${held}; refused a newer one: ${appliance.policy_refused_reason}`;
}
