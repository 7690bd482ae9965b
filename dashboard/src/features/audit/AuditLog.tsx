/** How far the log has come, what it lacks, and the whole of it as a file. */
import { Button } from "@mantine/core";
import type { AuditPage } from "@/api/types";
import classes from "@/features/audit/Audit.module.css";
import { Command } from "@/ui/Copy";
import { Icon } from "@/ui/icons";
import { Pairs } from "@/ui/Page";
import { MaybeTime } from "@/ui/Time";

export function AuditLog({ log }: { log: AuditPage["log"] }) {
  return (
    <div className={classes.log}>
      <Pairs
        pairs={[
          ["Records", String(log.size)],
          ["Signed", `${log.checkpoint_size} of ${log.size}`],
          ["Newest checkpoint", <MaybeTime key="at" at={log.checkpoint_at} none="none yet" />],
          ["Waiting to be appended", String(log.waiting)],
        ]}
      />
      {log.alarm && (
        <p role="alert" className={classes.altered}>
          This log is not signed any more: {log.alarm}
        </p>
      )}
      <p>
        The export holds every record and checkpoint. Keep a checkpoint elsewhere, as{" "}
        <code>wardline audit checkpoint</code> prints it: whoever rewrites the log later cannot
        rewrite that.
      </p>
      {log.checkpoint_size > 0 && (
        <Button
          component="a"
          href="/api/v1/audit/export"
          download
          leftSection={<Icon name="download" />}
        >
          Export the audit log
        </Button>
      )}
      <Command text={verifyCommand(log)} label="Command that verifies the export" />
    </div>
  );
}

/** An export goes to the newest checkpoint, whose size is in the name of the file. */
export function verifyCommand({ origin, checkpoint_size: size }: AuditPage["log"]): string {
  const partner = origin.split("/").at(-2) ?? "";
  const file = `audit-${partner}-${size}.zip`;
  return `wardline audit verify ${file} --trust keys.txt --checkpoint kept.txt`;
}
