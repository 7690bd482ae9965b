/** Starts the repair that the policy offers; where it asks for leave, asks once more. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";
import { useStartRepair } from "@/features/incidents/start-repair";
import type { Story } from "@/features/incidents/story";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function StartButton({ incident, story }: { incident: Incident; story: Story }) {
  const [isOpen, dialog] = useDisclosure();
  const start = useStartRepair(incident);
  const mayStart = usePermission(ORDERS);
  const verdict = story.decision?.verdict;
  const isStartable = incident.state === "waiting" && (verdict === "offer" || verdict === "ask");
  if (!mayStart || !isStartable) return null;
  const isOffer = verdict === "offer";
  const close = () => {
    dialog.close();
    start.reset();
  };
  return (
    <div>
      <Button size="md" leftSection={<Icon name="mend" />} onClick={dialog.open}>
        {isOffer ? "Start it…" : "Ask again…"}
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={isOffer ? "Start the repair" : "Ask for approval again"}
        action={isOffer ? "Start it" : "Ask again"}
        isBusy={start.isPending}
        error={start.error}
        onSubmit={(reason) => start.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          {isOffer
            ? `The appliance runs ${story.runbook?.id ?? "the repair"} if its own policy still offers it, and measures again afterwards.`
            : "The approval that was asked for was not given. This asks for it once more, in your name."}
        </p>
      </ReasonDialog>
    </div>
  );
}
