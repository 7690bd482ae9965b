/** Where the log stands: its size, its signed head, and how far a witness has followed it. */
import type { EvidencePage } from "@/api/types";
import { Hash } from "@/ui/Copy";
import { Pairs } from "@/ui/Page";
import { counted } from "@/ui/score";
import { MaybeTime } from "@/ui/Time";

export function LogHead({ log }: { log: EvidencePage["log"] }) {
  return (
    <Pairs
      pairs={[
        ["Log", counted(log.size, "entry", "entries")],
        [
          "Signed checkpoint",
          log.checkpoint_at === null ? (
            "none yet"
          ) : (
            <>
              at {log.checkpoint_size.toLocaleString("en")}, <MaybeTime at={log.checkpoint_at} none="" />
            </>
          ),
        ],
        ["Witnessed", `up to ${log.witnessed_size.toLocaleString("en")}`],
        ["Root", log.root ? <Hash key="root" value={log.root} /> : "—"],
        ["Origin", <code key="origin">{log.origin}</code>],
      ]}
    />
  );
}
