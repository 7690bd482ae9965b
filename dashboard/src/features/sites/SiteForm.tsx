/** What a site is: its name, its time zone and when it is open; for a new one and an old one. */
import { Button, Select, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { SiteSettings } from "@/api/types";
import { type Day, dayProblem, toSpans } from "@/features/sites/hours";
import { OpeningHoursEditor } from "@/features/sites/OpeningHoursEditor";
import classes from "@/ui/Form.module.css";
import { FormProblem } from "@/ui/FormProblem";

const NAME_CHARACTERS_MAX = 255;
const ZONES_SHOWN_MAX = 80;
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES = [...new Set([HERE, "UTC", ...Intl.supportedValuesOf("timeZone")])];

interface Props {
  name: string;
  zone: string;
  week: Day[];
  action: string;
  isBusy: boolean;
  error: unknown;
  onSubmit: (settings: SiteSettings) => void;
  onCancel?: () => void;
}

export function SiteForm(props: Props) {
  const [name, setName] = useState(props.name);
  const [zone, setZone] = useState(props.zone);
  const [week, setWeek] = useState(props.week);
  const isWeekWrong = week.some((_, day) => dayProblem(week, day) !== null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onSubmit({ name: name.trim(), zone, opening_hours: toSpans(week) });
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput
        label="Name"
        description="As the clinic calls itself"
        required
        withAsterisk={false}
        autoFocus
        maxLength={NAME_CHARACTERS_MAX}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Select
        label="Time zone"
        description="Policy windows and opening hours are read on this clock"
        data={ZONES.includes(zone) ? ZONES : [zone, ...ZONES]}
        searchable
        allowDeselect={false}
        limit={ZONES_SHOWN_MAX}
        nothingFoundMessage="No zone of that name; try a city"
        value={zone}
        onChange={(wanted) => wanted !== null && setZone(wanted)}
      />
      <OpeningHoursEditor week={week} onChange={setWeek} />
      <FormProblem error={props.error} />
      <div className={classes.foot}>
        {props.onCancel && (
          <Button variant="default" onClick={props.onCancel}>
            Cancel
          </Button>
        )}
        <Button type="submit" loading={props.isBusy} disabled={isWeekWrong || name.trim() === ""}>
          {props.action}
        </Button>
      </div>
    </form>
  );
}
