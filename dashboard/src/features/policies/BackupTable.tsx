/** Every backup: what it holds, who made it and why; to check, to take along, to put in force. */
import { Button } from "@mantine/core";
import { useAuthorWords } from "@/features/policies/author";
import type { Backup } from "@/features/policies/get-backups";
import { downloadAddress } from "@/features/policies/get-backups";
import classes from "@/features/policies/BackupTable.module.css";
import { Badge } from "@/ui/Badge";
import { Hash } from "@/ui/Copy";
import { Row, Table } from "@/ui/Table";
import { MaybeTime } from "@/ui/Time";
import type { Word } from "@/ui/words";

const COLUMNS = ["Made", "Holds", "Kind", "Reason", "Checked", "File"];
const KINDS: Record<Backup["kind"], Word> = {
  backup: { label: "Backup", tone: "info", icon: "download" },
  safety: { label: "Before a restore", tone: "na", icon: "undo" },
};
const KILOBYTE = 1024;

interface Props {
  backups: Backup[];
  busy: string | null;
  onVerify: (backup: Backup) => void;
  onRestore: (backup: Backup) => void;
}

export function BackupTable({ backups, busy, onVerify, onRestore }: Props) {
  const authorWords = useAuthorWords();
  return (
    <Table label="Backups" columns={COLUMNS}>
      {backups.map((backup) => (
        <Row
          key={backup.name}
          columns={COLUMNS}
          cells={[
            <div key="made">
              <MaybeTime at={backup.madeAt ?? null} none="unknown" />
              {backup.madeBy && <div className={classes.quiet}>{authorWords(backup.madeBy)}</div>}
            </div>,
            backup.rules === null
              ? "unknown"
              : `${backup.rules} rules${backup.revision ? `, revision ${backup.revision}` : ""}`,
            <Badge key="kind" word={KINDS[backup.kind]} quiet />,
            backup.reason ?? <span className={classes.quiet}>none given</span>,
            <Checked key="checked" backup={backup} />,
            <div key="file" className={classes.file}>
              <code>{backup.name}</code>
              <span className={classes.quiet}>
                {Math.ceil(backup.size / KILOBYTE)} KB
                {backup.sha256 && (
                  <>
                    , SHA-256 <Hash value={backup.sha256} />
                  </>
                )}
              </span>
              <span className={classes.deeds}>
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={busy === backup.name}
                  aria-label={`Check ${backup.name}`}
                  onClick={() => onVerify(backup)}
                >
                  Check
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  component="a"
                  href={downloadAddress(backup)}
                  download
                  aria-label={`Download ${backup.name}`}
                >
                  Download
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  disabled={Boolean(backup.fault)}
                  aria-label={`Restore ${backup.name}`}
                  onClick={() => onRestore(backup)}
                >
                  Restore…
                </Button>
              </span>
            </div>,
          ]}
        />
      ))}
    </Table>
  );
}

function Checked({ backup }: { backup: Backup }) {
  if (backup.fault) return <span className={classes.fault}>{backup.fault}</span>;
  if (!backup.verifiedAt) return <span className={classes.quiet}>not since it was made</span>;
  return (
    <>
      whole, <MaybeTime at={backup.verifiedAt} none="" />
    </>
  );
}
