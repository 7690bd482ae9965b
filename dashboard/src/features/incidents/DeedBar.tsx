/** What a person can do about an incident, in one row: look, try, hold, hand over. */
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";
import { useCheckAgain } from "@/features/incidents/check-again";
import { ChoicePicker } from "@/features/incidents/ChoicePicker";
import classes from "@/features/incidents/DeedBar.module.css";
import { deeds } from "@/features/incidents/deeds";
import { HandOverDialog } from "@/features/incidents/HandOverDialog";
import { HoldDialog } from "@/features/incidents/HoldDialog";
import { StartButton } from "@/features/incidents/StartButton";
import { useTryAgain } from "@/features/incidents/try-again";
import { FormProblem } from "@/ui/FormProblem";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

interface Props {
  incident: Incident;
  isHeld: boolean;
  /** Kinds of orders that are on their way for it. */
  underWay: ReadonlySet<string>;
  /** An approval waits for an answer: nothing is to be started or asked for beside it. */
  isAsked: boolean;
  /** What other parts of the house offer here. */
  children?: ReactNode;
}

type Asked = "try" | "hold" | "hand" | null;

export function DeedBar({ incident, isHeld, underWay, isAsked, children }: Props) {
  const [asked, setAsked] = useState<Asked>(null);
  const check = useCheckAgain(incident);
  const retry = useTryAgain(incident);
  const mayAct = usePermission(ORDERS);
  if (!mayAct) return null;
  const can = deeds(incident, isHeld);
  const close = () => {
    setAsked(null);
    retry.reset();
  };
  const host = incident.host_name ?? incident.host_id;
  return (
    <div className={classes.bar} role="group" aria-label="What you can do">
      {!isAsked && !underWay.has("run_runbook") && <StartButton incident={incident} />}
      {!isAsked && !underWay.has("run_runbook") && <ChoicePicker incident={incident} />}
      <Button
        size="md"
        variant="default"
        leftSection={<Icon name="eye" />}
        loading={check.isPending || underWay.has("check_again")}
        onClick={() => check.mutate()}
      >
        Check again
      </Button>
      {can.retry && (
        <Button
          size="md"
          variant="default"
          leftSection={<Icon name="again" />}
          disabled={underWay.has("try_again")}
          onClick={() => setAsked("try")}
        >
          Try again…
        </Button>
      )}
      {children}
      {can.hold && (
        <Button
          size="md"
          variant="default"
          leftSection={<Icon name="pause" />}
          disabled={underWay.has("set_hold")}
          onClick={() => setAsked("hold")}
        >
          Hold…
        </Button>
      )}
      <Button
        size="md"
        variant="default"
        leftSection={<Icon name="person" />}
        onClick={() => setAsked("hand")}
      >
        Hand over…
      </Button>
      <FormProblem error={check.error} />
      <ReasonDialog
        isOpen={asked === "try"}
        title={`Try again on ${host}`}
        action="Try again"
        isBusy={retry.isPending}
        error={retry.error}
        onSubmit={(reason) => retry.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          The appliance measures first. If the drift is still there, it forgets which repairs failed
          and asks its policy again; nothing runs that the policy does not allow.
        </p>
      </ReasonDialog>
      <HoldDialog incident={incident} isOpen={asked === "hold"} onClose={close} />
      <HandOverDialog incident={incident} isOpen={asked === "hand"} onClose={close} />
    </div>
  );
}
