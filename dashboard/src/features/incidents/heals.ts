/** A heal as the moments that a person wants to know, in order. */
import type { Incident } from "@/api/types";
import { STATE, WATCH, type Word } from "@/ui/words";

type Heal = Incident["heals"][number];

export interface Moment {
  word: Word;
  says: string;
  at: string;
}

export function moments(heal: Heal): Moment[] {
  const told: Moment[] = [
    { word: WATCH.attempted, says: `${heal.runbook_id} began`, at: heal.attempted_at },
    { word: STATE.healed, says: "the same check, measured again, passed", at: heal.healed_at },
  ];
  const end = ends(heal);
  if (end === null || end.word === STATE.stable) {
    told.push({ word: WATCH.watched, says: "end of the watch", at: heal.watched_until });
  }
  return end === null ? told : [...told, end];
}

function ends({ ended, ended_at: at }: Heal): Moment | null {
  if (at === null) return null;
  switch (ended) {
    case "stable":
      return { word: STATE.stable, says: "passed once more after the watch", at };
    case "recurred":
      return { word: WATCH.reopened, says: "failed again before it had lasted: a false heal", at };
    case "unproved":
      return {
        word: WATCH.reopened,
        says: "failed long after the watch, or another run was undone: nothing shows if it lasted",
        at,
      };
    case "undone":
      return { word: WATCH.undone, says: "a person had it undone: it counts neither way", at };
    default:
      return null;
  }
}
