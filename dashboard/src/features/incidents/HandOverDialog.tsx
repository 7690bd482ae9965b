/** Into whose hands an incident goes, and what they need to know. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Incident } from "@/api/types";
import { peopleQuery } from "@/features/incidents/get-people";
import { useHandOver } from "@/features/incidents/hand-over";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function HandOverDialog(props: { incident: Incident; isOpen: boolean; onClose: () => void }) {
  const { incident, isOpen } = props;
  const [to, setTo] = useState<string | null>(null);
  const people = useQuery({ ...peopleQuery, enabled: isOpen });
  const give = useHandOver(incident);
  const close = () => {
    setTo(null);
    give.reset();
    props.onClose();
  };
  const choices = (people.data?.items ?? []).map(({ id, name, role, email }) => ({
    value: id,
    label: `${name} (${role}), ${email}`,
  }));
  return (
    <ReasonDialog
      isOpen={isOpen}
      title={`Hand over ${incident.check} on ${incident.host_name ?? incident.host_id}`}
      action="Hand over"
      label="What they need to know"
      isReady={to !== null}
      isBusy={give.isPending}
      error={give.error ?? people.error}
      onSubmit={(note) => to !== null && give.mutate({ to, note }, { onSuccess: close })}
      onClose={close}
    >
      <Select
        label="To whom"
        placeholder="Choose a colleague"
        data={choices}
        value={to}
        onChange={setTo}
        searchable
        nothingFoundMessage="Nobody of this name"
      />
    </ReasonDialog>
  );
}
