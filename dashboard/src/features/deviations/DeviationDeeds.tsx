/** What a person does about a deviation that is in force: renew it, or accept it no more. */
import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { DEVIATIONS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Deviation } from "@/api/types";
import { TEXT_CHARACTERS_MAX } from "@/features/deviations/limits";
import { useRenew } from "@/features/deviations/renew";
import { useRevoke } from "@/features/deviations/revoke";
import { endOf, lastDay, renewal, renewedFrom } from "@/features/deviations/until";
import { Deeds } from "@/ui/Card";
import { useNow } from "@/ui/now";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function DeviationDeeds({ deviation }: { deviation: Deviation }) {
  const mayDo = usePermission(DEVIATIONS);
  if (!mayDo || deviation.state !== "in_force") return null;
  return (
    <Deeds>
      <RenewButton deviation={deviation} />
      <RevokeButton deviation={deviation} />
    </Deeds>
  );
}

function RenewButton({ deviation }: { deviation: Deviation }) {
  const now = useNow();
  const [isOpen, dialog] = useDisclosure();
  const [picked, pick] = useState<string | null>(null);
  const renew = useRenew(deviation);
  const stands = new Date(deviation.until);
  const day = picked ?? renewal(stands, now);
  if (day === null) return null;
  const until = endOf(day);
  const close = () => {
    dialog.close();
    renew.reset();
    pick(null);
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
        charactersMax={TEXT_CHARACTERS_MAX}
        isReady={until !== null}
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
          min={renewedFrom(stands)}
          max={lastDay(now)}
          value={day}
          onChange={(event) => pick(event.currentTarget.value)}
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
        charactersMax={TEXT_CHARACTERS_MAX}
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
