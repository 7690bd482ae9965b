/** Has the incident's last run undone: a named person, with a reason, while its appliance can. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";
import type { Story } from "@/features/incidents/story";
import { useUndoRun } from "@/features/incidents/undo-run";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";
import { Time } from "@/ui/Time";

export function UndoButton({ incident, story }: { incident: Incident; story: Story }) {
  const [isOpen, dialog] = useDisclosure();
  const undo = useUndoRun(incident);
  const mayUndo = usePermission(ORDERS);
  if (!mayUndo || !incident.undo_until) return null;
  const close = () => {
    dialog.close();
    undo.reset();
  };
  return (
    <div>
      <Button size="md" variant="default" leftSection={<Icon name="undo" />} onClick={dialog.open}>
        Undo the repair…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title="Undo the repair"
        action="Undo it"
        isGrave
        isBusy={undo.isPending}
        error={undo.error}
        onSubmit={(reason) => undo.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          The appliance puts everything back as it was before {story.runbook?.id ?? "the run"},
          measures again, and holds that repair until somebody clears the hold. Where somebody has
          edited since what was repaired, it changes nothing and shows the difference.
        </p>
        <p>
          Possible until <Time at={incident.undo_until} />.
        </p>
      </ReasonDialog>
    </div>
  );
}
