/** Which repair stays off the incident's drift, and why. */
import { NativeSelect } from "@mantine/core";
import { useState } from "react";
import type { Incident } from "@/api/types";
import { useSetHold } from "@/features/incidents/set-hold";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function HoldDialog(props: { incident: Incident; isOpen: boolean; onClose: () => void }) {
  const { incident, isOpen } = props;
  const [chosen, choose] = useState<string | null>(null);
  const hold = useSetHold(incident);
  const close = () => {
    choose(null);
    hold.reset();
    props.onClose();
  };
  const [first, ...others] = incident.holdable;
  const runbookId = chosen ?? first;
  return (
    <ReasonDialog
      isOpen={isOpen}
      title={`Hold repairs on ${incident.host_name ?? incident.host_id}`}
      action="Hold"
      isReady={runbookId !== undefined}
      isBusy={hold.isPending}
      error={hold.error}
      onSubmit={(reason) => runbookId && hold.mutate({ runbookId, reason }, { onSuccess: close })}
      onClose={close}
    >
      {others.length > 0 && (
        <NativeSelect
          label="Repair"
          value={runbookId}
          onChange={(event) => choose(event.currentTarget.value)}
          data={incident.holdable}
        />
      )}
      <p>
        <code>{runbookId}</code> stays off this drift of <code>{incident.check}</code> until somebody
        clears the hold. Checks go on.
      </p>
    </ReasonDialog>
  );
}
