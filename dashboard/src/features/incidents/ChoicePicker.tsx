/** Where several repairs are sound and which one is right is a person's to say: picks one. */
import { Button, Select } from "@mantine/core";
import { useState } from "react";
import { ORDERS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Incident } from "@/api/types";
import { useStartRepair } from "@/features/incidents/start-repair";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

type Choosable = Pick<Incident, "site_id" | "id" | "choices">;
type Choice = Incident["choices"][number];

const BUTTONS_MAX = 2;

export function ChoicePicker({ incident }: { incident: Choosable }) {
  const [asked, setAsked] = useState<Choice | null>(null);
  const start = useStartRepair(incident);
  const mayStart = usePermission(ORDERS);
  const { choices } = incident;
  if (!mayStart || choices.length === 0) return null;
  const close = () => {
    setAsked(null);
    start.reset();
  };
  const ask = (id: string | null) => setAsked(choices.find((one) => one.id === id) ?? null);
  return (
    <>
      {choices.length <= BUTTONS_MAX ? (
        choices.map(({ id, words }) => (
          <Button key={id} size="md" leftSection={<Icon name="mend" />} onClick={() => ask(id)}>
            {words}…
          </Button>
        ))
      ) : (
        <Select
          size="md"
          aria-label="Which repair is right here"
          placeholder="Which repair is right here?"
          data={choices.map(({ id, words }) => ({ value: id, label: words }))}
          value={asked?.id ?? null}
          onChange={ask}
        />
      )}
      <ReasonDialog
        isOpen={asked !== null}
        title="Which repair is right here"
        action={asked?.verdict === "ask" ? "Ask for approval" : "Start it"}
        isBusy={start.isPending}
        error={start.error}
        onSubmit={(reason) => start.mutate({ reason, choice: asked?.id }, { onSuccess: close })}
        onClose={close}
      >
        {asked && (
          <p>
            {asked.words}. The appliance measures, asks its own policy, runs {asked.runbook_id} and
            measures again afterwards.
            {asked.verdict === "ask" && " The policy wants an approval first."}
          </p>
        )}
      </ReasonDialog>
    </>
  );
}
