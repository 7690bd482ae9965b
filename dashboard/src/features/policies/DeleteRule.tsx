/** Takes a rule out of force, with a reason. */
import { useNavigate } from "@tanstack/react-router";
import { useDeleteRule } from "@/features/policies/delete-rule";
import { Past } from "@/features/policies/Past";
import type { Rule } from "@/features/policies/rule";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function DeleteRule(props: { rule: Rule; isOpen: boolean; onClose: () => void }) {
  const { rule } = props;
  const remove = useDeleteRule(rule);
  const navigate = useNavigate();
  return (
    <ReasonDialog
      isOpen={props.isOpen}
      title={`Delete ${rule.name || rule.id}`}
      action="Delete it"
      isGrave
      isBusy={remove.isPending}
      error={remove.error}
      onClose={props.onClose}
      onSubmit={(reason) =>
        remove.mutate(reason, {
          onSuccess: () => void navigate({ to: "/policy", ignoreBlocker: true }),
        })
      }
    >
      <p>
        {rule.effect === "deny"
          ? "What it forbids may run from then on, where another rule lets it."
          : "What it lets run is blocked from then on, unless another rule lets it."}{" "}
        Its history stays.
      </p>
      <Past change={{ kind: "delete", id: rule.id }} />
    </ReasonDialog>
  );
}
