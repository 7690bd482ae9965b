/** The kill switch: one button, and why. Gone while what it stops is frozen. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { FREEZE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { freezesQuery } from "@/features/freezes/get-freezes";
import { useFreeze } from "@/features/freezes/throw-switch";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

interface Props {
  /** What stops, as people call it. */
  name: string;
  /** One site alone; without it everything of the partner. */
  siteId?: string;
}

export function FreezeButton({ name, siteId }: Props) {
  const [isOpen, dialog] = useDisclosure();
  const freeze = useFreeze(siteId);
  const frozen = useQuery(freezesQuery(siteId));
  const mayFreeze = usePermission(FREEZE);
  const reach = siteId === undefined ? "partner" : "site";
  const isFrozen = frozen.data?.items.some((one) => one.reach === reach) ?? false;
  if (!mayFreeze || isFrozen) return null;
  const close = () => {
    dialog.close();
    freeze.reset();
  };
  return (
    <>
      <Button variant="default" leftSection={<Icon name="pause" />} onClick={dialog.open}>
        Freeze…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={`Freeze ${name}`}
        action="Freeze"
        isGrave
        isBusy={freeze.isPending}
        error={freeze.error}
        onSubmit={(reason) => freeze.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          Nothing is repaired {siteId === undefined ? "at any of your sites" : "at this site"} until
          somebody lifts it. No order is handed out from now on; each appliance obeys from its next
          check-in on, ends the step that it is in and undoes the rest. Measuring and evidence go
          on.
        </p>
      </ReasonDialog>
    </>
  );
}
