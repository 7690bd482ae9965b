/** Lets healing go on after a flap: a named person, with a reason. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Hold } from "@/api/types";
import { useClearHold } from "@/features/holds/clear-hold";
import { Deeds } from "@/ui/Card";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function ClearButton({ hold }: { hold: Hold }) {
  const [isOpen, dialog] = useDisclosure();
  const clear = useClearHold(hold);
  const mayClear = usePermission(ORDERS);
  if (!mayClear) return null;
  const close = () => {
    dialog.close();
    clear.reset();
  };
  return (
    <Deeds>
      <Button size="md" onClick={dialog.open}>
        Clear…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={`Clear the hold on ${hold.host_name ?? hold.host_id}`}
        action="Clear the hold"
        isBusy={clear.isPending}
        error={clear.error}
        onSubmit={(reason) => clear.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          Once the appliance has it, <code>{hold.runbook_id}</code> may repair again by itself.{" "}
          {hold.set_by
            ? "Say why what it was set for is over."
            : "Say what undid the repairs and why that is over; otherwise the hold comes back."}
        </p>
      </ReasonDialog>
    </Deeds>
  );
}
