/** The backups of the rules, and what an owner does with them. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { BackupTable } from "@/features/policies/BackupTable";
import classes from "@/features/policies/BackupTable.module.css";
import type { Backup } from "@/features/policies/get-backups";
import { useMakeBackup } from "@/features/policies/make-backup";
import { Past } from "@/features/policies/Past";
import { useRestoreBackup } from "@/features/policies/restore-backup";
import { useVerifyBackup } from "@/features/policies/verify-backup";
import { FormProblem } from "@/ui/FormProblem";
import { Panel } from "@/ui/Page";
import { ReasonDialog } from "@/ui/ReasonDialog";
import { Empty } from "@/ui/States";
import { Time } from "@/ui/Time";

export function Backups({ backups, rules }: { backups: Backup[]; rules: number }) {
  const make = useMakeBackup();
  const verify = useVerifyBackup();
  const restore = useRestoreBackup();
  const [isMaking, making] = useDisclosure();
  const [wanted, setWanted] = useState<Backup | null>(null);
  return (
    <>
      <Panel
        title="Backups"
        note={
          <Button size="xs" onClick={making.open}>
            Make a backup…
          </Button>
        }
      >
        <div aria-live="polite">
          {make.data && <p className={classes.told}>{make.data} holds the rules in force.</p>}
          {verify.data && !verify.data.fault && (
            <p className={classes.told}>{verify.data.name} is whole and could be restored.</p>
          )}
          {restore.data && (
            <p className={classes.told}>
              The rules of {restore.data.restoredFrom} are in force. What they replaced is in{" "}
              {restore.data.safetyBackup}.
            </p>
          )}
        </div>
        <FormProblem error={verify.error} />
        {backups.length > 0 ? (
          <BackupTable
            backups={backups}
            busy={verify.isPending ? (verify.variables ?? null) : null}
            onVerify={({ name }) => verify.mutate(name)}
            onRestore={(backup) => {
              restore.reset();
              setWanted(backup);
            }}
          />
        ) : (
          <Empty title="No backup yet">
            <p>A backup holds all rules as one file that can be put in force again.</p>
          </Empty>
        )}
      </Panel>
      <ReasonDialog
        isOpen={isMaking}
        title="Make a backup"
        action="Make it"
        isRequired={false}
        isBusy={make.isPending}
        error={make.error}
        onClose={making.close}
        onSubmit={(reason) => make.mutate(reason, { onSuccess: making.close })}
      >
        <p>All {rules} rules as they are in force now.</p>
      </ReasonDialog>
      <ReasonDialog
        isOpen={wanted !== null}
        title="Restore the rules"
        action="Restore them"
        isGrave
        isBusy={restore.isPending}
        error={restore.error}
        onClose={() => setWanted(null)}
        onSubmit={(reason) =>
          wanted &&
          restore.mutate({ file: wanted.file, reason }, { onSuccess: () => setWanted(null) })
        }
      >
        {wanted && (
          <>
            <RestoreWords backup={wanted} rules={rules} />
            <Past change={{ kind: "backup", name: wanted.name }} />
          </>
        )}
      </ReasonDialog>
    </>
  );
}

function RestoreWords({ backup, rules }: { backup: Backup; rules: number }) {
  return (
    <p>
      All {rules} rules in force are replaced by the {backup.rules ?? ""} rules of{" "}
      <code>{backup.name}</code>
      {backup.madeAt && (
        <>
          , made <Time at={backup.madeAt} />
        </>
      )}
      . Before that, what is in force is written to a safety backup, which is named when it is done;
      restoring that one takes this back.
    </p>
  );
}
