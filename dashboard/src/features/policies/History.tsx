/** The revisions of the policy: what each changed, and the way back to one. */
import { Button } from "@mantine/core";
import { useState } from "react";
import { useAuthorWords } from "@/features/policies/author";
import type { Counts, Revision, RevisionPage } from "@/features/policies/get-revisions";
import classes from "@/features/policies/History.module.css";
import { Past } from "@/features/policies/Past";
import { RuleChanges } from "@/features/policies/RuleChanges";
import { useRollBack } from "@/features/policies/roll-back";
import { ReasonDialog } from "@/ui/ReasonDialog";
import { Time } from "@/ui/Time";

export function History({ page, canWrite }: { page: RevisionPage; canWrite: boolean }) {
  const [wanted, setWanted] = useState<number | null>(null);
  const rollBack = useRollBack();
  const ask = (revision: number) => {
    rollBack.reset();
    setWanted(revision);
  };
  return (
    <>
      {!canWrite && <p className={classes.quiet}>Managers and owners may go back to a revision.</p>}
      <ol className={classes.history} aria-label="Revisions">
        {page.items.map((each) => (
          <Entry
            key={each.revision}
            revision={each}
            isInForce={each.revision === page.revision}
            onRollBack={canWrite ? ask : null}
          />
        ))}
      </ol>
      <ReasonDialog
        isOpen={wanted !== null}
        title={`Go back to revision ${wanted}`}
        action="Go back"
        isGrave
        isBusy={rollBack.isPending}
        error={rollBack.error}
        onClose={() => setWanted(null)}
        onSubmit={(reason) =>
          wanted !== null &&
          rollBack.mutate(
            { revision: wanted, seen: page.revision, reason },
            { onSuccess: () => setWanted(null) },
          )
        }
      >
        <p>
          The rules of revision {wanted} are in force again, as a new revision. What that changes:
        </p>
        {wanted !== null && (
          <>
            <RuleChanges from={page.revision} to={wanted} />
            <Past change={{ kind: "revision", revision: wanted, over: page.revision }} />
          </>
        )}
      </ReasonDialog>
    </>
  );
}

function Entry(props: {
  revision: Revision;
  isInForce: boolean;
  onRollBack: ((revision: number) => void) | null;
}) {
  const { revision, isInForce, onRollBack } = props;
  const [isOpen, setOpen] = useState(false);
  const authorWords = useAuthorWords();
  const number = revision.revision;
  return (
    <li data-item>
      <div className={classes.head}>
        <b>Revision {number}</b>
        <span>
          <Time at={revision.createdAt} />, by {authorWords(revision.author)}
        </span>
        <span className={classes.quiet}>{countWords(revision.counts)}</span>
        <span className={classes.deeds}>
          {revision.counts && (
            <Button
              size="compact-sm"
              variant="default"
              aria-expanded={isOpen}
              aria-label={isOpen ? `Close revision ${number}` : `What changed in revision ${number}`}
              onClick={() => setOpen(!isOpen)}
            >
              {isOpen ? "Close" : "What changed"}
            </Button>
          )}
          {isInForce ? (
            <span className={classes.quiet}>in force</span>
          ) : (
            onRollBack && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`Go back to revision ${number}`}
                onClick={() => onRollBack(number)}
              >
                Go back…
              </Button>
            )
          )}
        </span>
      </div>
      {revision.reason && <p>{revision.reason}</p>}
      {isOpen && <RuleChanges from={number - 1} to={number} />}
    </li>
  );
}

/** "2 added, 1 changed"; "nothing changed". */
function countWords(counts: Counts | null): string {
  if (counts === null) return "not kept";
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return parts.map(([kind, count]) => `${count} ${kind}`).join(", ") || "nothing changed";
}
