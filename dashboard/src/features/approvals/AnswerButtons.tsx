/** Approve and reject, each with its dialog; or why this person may do neither. */
import { Button } from "@mantine/core";
import { useState } from "react";
import type { Approval } from "@/api/types";
import { useApprove } from "@/features/approvals/approve";
import classes from "@/features/approvals/ApprovalCard.module.css";
import { useReject } from "@/features/approvals/reject";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";

export function AnswerButtons({ approval }: { approval: Approval }) {
  const [asked, setAsked] = useState<"approve" | "reject" | null>(null);
  const approve = useApprove(approval);
  const reject = useReject(approval);
  const close = () => {
    setAsked(null);
    approve.reset();
    reject.reset();
  };
  if (!approval.may_answer) {
    return <p className={classes.quiet}>You cannot answer this: {approval.why_not}.</p>;
  }
  const where = approval.host_name ?? approval.host_id;
  return (
    <div className={classes.buttons}>
      <Button size="md" leftSection={<Icon name="pass" />} onClick={() => setAsked("approve")}>
        Approve…
      </Button>
      <Button
        size="md"
        variant="default"
        leftSection={<Icon name="fail" />}
        onClick={() => setAsked("reject")}
      >
        Reject…
      </Button>
      <ReasonDialog
        isOpen={asked === "approve"}
        title={`Approve on ${where}`}
        action="Approve"
        isRequired={false}
        isBusy={approve.isPending}
        error={approve.error}
        onSubmit={(reason) => approve.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          {approval.runbook.title}. The appliance asks its own policy once more before it runs, and
          measures again afterwards.
        </p>
      </ReasonDialog>
      <ReasonDialog
        isOpen={asked === "reject"}
        title={`Reject on ${where}`}
        action="Reject"
        isBusy={reject.isPending}
        error={reject.error}
        onSubmit={(reason) => reject.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>Nothing is run; the incident stays open.</p>
      </ReasonDialog>
    </div>
  );
}
