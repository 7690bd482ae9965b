/** Which states the list shows. */
import { Select } from "@mantine/core";
import type { IncidentState } from "@/api/types";
import { STATE, STATES } from "@/ui/words";

const ALL = "all";
const CHOICES = [
  { value: ALL, label: "All states" },
  ...STATES.map((state) => ({ value: state, label: STATE[state].label })),
];

export function StateFilter(props: {
  state: IncidentState | undefined;
  onChange: (state: IncidentState | undefined) => void;
}) {
  return (
    <Select
      size="xs"
      w={170}
      aria-label="Incident state"
      data={CHOICES}
      allowDeselect={false}
      value={props.state ?? ALL}
      onChange={(value) => props.onChange(STATES.find((state) => state === value))}
    />
  );
}
