/** A week of opening hours, a line per day. */
import { Switch, TextInput } from "@mantine/core";
import { DAY_NAMES, type Day, dayProblem, WEEK } from "@/features/sites/hours";
import classes from "@/features/sites/OpeningHoursEditor.module.css";

export function OpeningHoursEditor(props: { week: Day[]; onChange: (week: Day[]) => void }) {
  const change = (day: number, part: Partial<Day>) =>
    props.onChange(props.week.map((old, index) => (index === day ? { ...old, ...part } : old)));
  return (
    <fieldset className={classes.week}>
      <legend>Opening hours</legend>
      <p className={classes.hint}>
        When people work there. A closing time before the opening time is on the next day.
      </p>
      {WEEK.map((number) => {
        const day = props.week[number];
        if (day === undefined) return null;
        const name = DAY_NAMES[number] ?? "";
        return (
          <DayLine key={number} name={name} day={day} onChange={(part) => change(number, part)} />
        );
      })}
    </fieldset>
  );
}

function DayLine(props: { name: string; day: Day; onChange: (part: Partial<Day>) => void }) {
  const { name, day, onChange } = props;
  const problem = dayProblem(day);
  return (
    <div className={classes.day}>
      <Switch
        label={name}
        checked={day.isOpen}
        onChange={(event) => onChange({ isOpen: event.currentTarget.checked })}
      />
      {day.isOpen ? (
        <div className={classes.times}>
          <TextInput
            type="time"
            size="xs"
            aria-label={`${name} opens at`}
            value={day.start}
            onChange={(event) => onChange({ start: event.currentTarget.value })}
          />
          <span aria-hidden="true">–</span>
          <TextInput
            type="time"
            size="xs"
            aria-label={`${name} closes at`}
            value={day.end}
            onChange={(event) => onChange({ end: event.currentTarget.value })}
          />
          {problem && <span className={classes.problem}>{problem}</span>}
        </div>
      ) : (
        <span className={classes.closed}>Closed</span>
      )}
    </div>
  );
}
