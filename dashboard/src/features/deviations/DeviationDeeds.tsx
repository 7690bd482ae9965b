/** What a person does about a deviation that is in force: renew it, or accept it no more. */
import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { DEVIATIONS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Deviation } from "@/api/types";
import classes from "@/features/deviations/Deviations.module.css";
import { useRenew } from "@/features/deviations/renew";
import { useRevoke } from "@/features/deviations/revoke";
import { DAYS_MAX, dayAfter, endOf, proposed } from "@/features/deviations/until";
import { useNow } from "@/ui/now";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function DeviationDeeds({ deviation }: { deviation: Deviation }) {
  const mayDo = usePermission(DEVIATIONS);
  if (!mayDo || deviation.state !== "in_force") return null;
  return (
    <div className={classes.deeds}>
      <RenewButton deviation={deviation} />
      <RevokeButton deviation={deviation} />
    </div>
  );
}

function RenewButton({ deviation }: { deviation: Deviation }) {
  const now = useNow();
  const [isOpen, dialog] = useDisclosure();
  const [day, setDay] = useState(proposed(now));
  const renew = useRenew(deviation);
  const until = endOf(day);
  const close = () => {
    dialog.close();
    renew.reset();
  };
  return (
    <>
      <Button size="md" onClick={dialog.open}>
        Renew…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title="Accept it for longer"
        action="Renew"
        isBusy={renew.isPending}
        error={renew.error}
        onSubmit={(reason) => until && renew.mutate({ until, reason }, { onSuccess: close })}
        onClose={close}
      >
        <TextInput
          type="date"
          label="Until the end of"
          required
          withAsterisk={false}
          min={dayAfter(new Date(deviation.until), 0)}
          max={dayAfter(now, DAYS_MAX)}
          value={day}
          onChange={(event) => setDay(event.currentTarget.value)}
        />
      </ReasonDialog>
    </>
  );
}

function RevokeButton({ deviation }: { deviation: Deviation }) {
  const [isOpen, dialog] = useDisclosure();
  const revoke = useRevoke(deviation);
  const close = () => {
    dialog.close();
    revoke.reset();
  };
  return (
    <>
      <Button size="md" variant="default" onClick={dialog.open}>
        Revoke…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title="Accept it no more"
        action="Revoke"
        isGrave
        isBusy={revoke.isPending}
        error={revoke.error}
        onSubmit={(reason) => revoke.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          Once the appliance has heard of it, what fails there is a drift like any other, and is
          repaired where the policy lets it.
        </p>
      </ReasonDialog>
    </>
  );
}
