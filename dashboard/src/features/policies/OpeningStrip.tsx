/** The openings of two weeks on the site's clock: a line per day, midnight to midnight. */
import { DAY_MINUTES, daysOf, dayWords, type Preview } from "@/features/policies/strip";
import classes from "@/features/policies/OpeningStrip.module.css";

const HOURS = [0, 6, 12, 18, 24];
const HOUR_MINUTES = 60;

export function OpeningStrip({ preview }: { preview: Preview }) {
  const days = daysOf(preview);
  return (
    <figure className={classes.strip}>
      <div className={classes.hours} aria-hidden="true">
        {HOURS.map((hour) => (
          <span key={hour} style={{ left: percent(hour * HOUR_MINUTES) }}>
            {hour}
          </span>
        ))}
      </div>
      <ul aria-label={`Open in the next ${preview.days} days, on the clock of ${preview.zone}`}>
        {days.map((day) => (
          <li key={day.date}>
            <span className={classes.day} aria-hidden="true">
              {day.name}
            </span>
            <span className="visually-hidden">{dayWords(day)}</span>
            <span className={classes.bar} aria-hidden="true" title={dayWords(day)}>
              {day.stretches.map(({ start, end, label }) => (
                <i key={label} style={{ left: percent(start), width: percent(end - start) }} />
              ))}
            </span>
          </li>
        ))}
      </ul>
      <figcaption>
        {preview.openings.length === 0 ? "Never open in these days. " : ""}
        On the clock of {preview.zone}.
      </figcaption>
    </figure>
  );
}

function percent(minutes: number): string {
  return `${(minutes / DAY_MINUTES) * 100}%`;
}
