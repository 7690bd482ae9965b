/** Takes back an order that its appliance has not fetched, with a reason. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Order } from "@/api/types";
import { useCancelOrder } from "@/features/orders/cancel-order";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function CancelButton({ order }: { order: Order }) {
  const [isOpen, dialog] = useDisclosure();
  const cancel = useCancelOrder(order);
  const mayCancel = usePermission(ORDERS);
  if (!mayCancel) return null;
  const close = () => {
    dialog.close();
    cancel.reset();
  };
  return (
    <div>
      <Button size="xs" variant="default" onClick={dialog.open}>
        Take back…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title="Take the order back"
        action="Take it back"
        isBusy={cancel.isPending}
        error={cancel.error}
        onSubmit={(reason) => cancel.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>The appliance has not fetched it yet; once it has, it can no longer be taken back.</p>
      </ReasonDialog>
    </div>
  );
}
