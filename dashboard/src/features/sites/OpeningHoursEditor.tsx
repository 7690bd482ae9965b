/** A week of opening hours: a line per day, as many spans in it as the clinic has. */
import { Button, CloseButton, Switch, TextInput } from "@mantine/core";
import {
  DAY_NAMES,
  type Day,
  dayProblem,
  isOvernight,
  type Span,
  SPANS_PER_DAY_MAX,
  USUAL,
  WEEK,
} from "@/features/sites/hours";
import classes from "@/features/sites/OpeningHoursEditor.module.css";
import { Icon } from "@/ui/icons";

const NEXT: Span = { start: "", end: "" };

export function OpeningHoursEditor(props: { week: Day[]; onChange: (week: Day[]) => void }) {
  const { week, onChange } = props;
  const change = (number: number, day: Day) =>
    onChange(week.map((old, index) => (index === number ? day : old)));
  return (
    <fieldset className={classes.week}>
      <legend>Opening hours</legend>
      <p className={classes.hint}>
        When people work there. A closing time before the opening time is on the next day.
      </p>
      {WEEK.map((number) => (
        <DayLine
          key={number}
          name={DAY_NAMES[number] ?? ""}
          day={week[number] ?? []}
          problem={dayProblem(week, number)}
          onChange={(day) => change(number, day)}
        />
      ))}
    </fieldset>
  );
}

interface LineProps {
  name: string;
  day: Day;
  problem: string | null;
  onChange: (day: Day) => void;
}

function DayLine({ name, day, problem, onChange }: LineProps) {
  const change = (index: number, part: Partial<Span>) =>
    onChange(day.map((span, at) => (at === index ? { ...span, ...part } : span)));
  return (
    <div className={classes.day}>
      <Switch
        label={name}
        checked={day.length > 0}
        onChange={(event) => onChange(event.currentTarget.checked ? [{ ...USUAL }] : [])}
      />
      {day.length > 0 ? (
        <div className={classes.spans}>
          {day.map((span, index) => (
            <SpanLine
              key={index}
              name={index === 0 ? name : `${name}, span ${index + 1},`}
              span={span}
              onChange={(part) => change(index, part)}
              onRemove={day.length > 1 ? () => onChange(day.toSpliced(index, 1)) : undefined}
            />
          ))}
          {problem && (
            <p className={classes.problem} role="alert">
              {problem}
            </p>
          )}
          {day.length < SPANS_PER_DAY_MAX && (
            <Button
              size="compact-xs"
              variant="subtle"
              leftSection={<Icon name="plus" size={12} />}
              aria-label={`Add hours on ${name}`}
              onClick={() => onChange([...day, { ...NEXT }])}
            >
              Add hours
            </Button>
          )}
        </div>
      ) : (
        <span className={classes.closed}>Closed</span>
      )}
    </div>
  );
}

function SpanLine(props: {
  name: string;
  span: Span;
  onChange: (part: Partial<Span>) => void;
  onRemove: (() => void) | undefined;
}) {
  const { name, span, onChange, onRemove } = props;
  return (
    <div className={classes.times}>
      <TextInput
        type="time"
        size="xs"
        aria-label={`${name} opens at`}
        value={span.start}
        onChange={(event) => onChange({ start: event.currentTarget.value })}
      />
      <span aria-hidden="true">–</span>
      <TextInput
        type="time"
        size="xs"
        aria-label={`${name} closes at`}
        value={span.end}
        onChange={(event) => onChange({ end: event.currentTarget.value })}
      />
      {isOvernight(span) && <span className={classes.closed}>next day</span>}
      {onRemove && (
        <CloseButton size="sm" aria-label={`Remove ${name} ${span.start || "new"} hours`} onClick={onRemove} />
      )}
    </div>
  );
}
