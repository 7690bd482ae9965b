/** Starts the repair that the policy offers; where it asks for leave, asks once more. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { IncidentRow } from "@/api/types";
import { useStartRepair } from "@/features/incidents/start-repair";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

type Startable = Pick<IncidentRow, "site_id" | "id" | "state" | "verdict" | "runbook_id">;

export function isStartable({ state, verdict }: Startable): boolean {
  return state === "waiting" && (verdict === "offer" || verdict === "ask");
}

export function StartButton({ incident, isSmall = false }: { incident: Startable; isSmall?: boolean }) {
  const [isOpen, dialog] = useDisclosure();
  const start = useStartRepair(incident);
  const mayStart = usePermission(ORDERS);
  if (!mayStart || !isStartable(incident)) return null;
  const isOffer = incident.verdict === "offer";
  const close = () => {
    dialog.close();
    start.reset();
  };
  return (
    <div>
      <Button
        size={isSmall ? "xs" : "md"}
        variant={isSmall ? "default" : "filled"}
        leftSection={<Icon name="mend" />}
        onClick={dialog.open}
      >
        {isOffer ? "Start it…" : "Ask again…"}
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={isOffer ? "Start the repair" : "Ask for approval again"}
        action={isOffer ? "Start it" : "Ask again"}
        isBusy={start.isPending}
        error={start.error}
        onSubmit={(reason) => start.mutate({ reason }, { onSuccess: close })}
        onClose={close}
      >
        <p>
          {isOffer
            ? `The appliance runs ${incident.runbook_id ?? "the repair"} if its own policy still offers it, and measures again afterwards.`
            : "The approval that was asked for was not given. This asks for it once more, in your name."}
        </p>
      </ReasonDialog>
    </div>
  );
}
