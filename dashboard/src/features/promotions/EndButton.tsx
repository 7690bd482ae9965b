/** Turns a candidate down, or ends what is in force: a named person, with a reason. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Promotion } from "@/api/types";
import { type Ending, useEnd } from "@/features/promotions/end";
import { ReasonDialog } from "@/ui/ReasonDialog";

const WORDS: Record<Ending, { button: string; action: string; told: string }> = {
  reject: {
    button: "Reject…",
    action: "Reject it",
    told: "What it has earned counts no more: it is proposed again only for what comes from now on.",
  },
  demote: {
    button: "Demote…",
    action: "Demote it",
    told: "Every appliance hears of it at its next check-in; drifts of this pattern go to L2 again.",
  },
};

export function EndButton({ promotion, how }: { promotion: Promotion; how: Ending }) {
  const [isOpen, dialog] = useDisclosure();
  const end = useEnd(promotion.id, how);
  const words = WORDS[how];
  const close = () => {
    dialog.close();
    end.reset();
  };
  return (
    <div>
      <Button size="md" variant="default" onClick={dialog.open}>
        {words.button}
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={`${words.action}: ${promotion.runbook_title}`}
        action={words.action}
        isGrave={how === "demote"}
        isBusy={end.isPending}
        error={end.error}
        onSubmit={(reason) => end.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>{words.told}</p>
      </ReasonDialog>
    </div>
  );
}
