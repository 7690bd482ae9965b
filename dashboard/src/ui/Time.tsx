/** A moment: relative or the viewer's wall clock, with the exact UTC on hover. */
import { useNow } from "@/ui/now";
import { local, relative, utc } from "@/ui/time";

export function Time({ at, as = "relative" }: { at: string; as?: "relative" | "clock" }) {
  const now = useNow();
  const moment = new Date(at);
  const other = as === "relative" ? local(moment, now) : relative(moment, now);
  return (
    <time dateTime={at} title={`${utc(moment)} (${other})`}>
      {as === "relative" ? relative(moment, now) : local(moment, now)}
    </time>
  );
}

export function MaybeTime({ at, none }: { at: string | null; none: string }) {
  return at === null ? <span>{none}</span> : <Time at={at} />;
}
