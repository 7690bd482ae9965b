/** What became of a deviation, newest first. */
import type { DeviationStory } from "@/api/types";
import classes from "@/features/deviations/Deviations.module.css";
import { Time } from "@/ui/Time";

type Event = DeviationStory["events"][number];

const KIND: Record<Event["kind"], string> = {
  accepted: "Accepted",
  renewed: "Renewed",
  revoked: "Revoked",
  replaced: "Replaced by another one",
  expired: "Its time was over",
  changed: "Something else failed",
  returned: "As accepted again",
  passes: "Passed",
};

export function EventList({ events }: { events: Event[] }) {
  return (
    <ol className={classes.events} aria-label="What became of it">
      {events.map((event) => (
        <li key={event.id}>
          <Time at={event.at} /> · {KIND[event.kind]}
          {event.host_id && <> on {event.host_name ?? event.host_id}</>}
          {event.by_name && <> by {event.by_name}</>}
          {event.until && event.kind === "renewed" && (
            <>
              {" "}
              until <Time at={event.until} as="clock" />
            </>
          )}
          {event.reason && <>: {event.reason}</>}
        </li>
      ))}
    </ol>
  );
}
