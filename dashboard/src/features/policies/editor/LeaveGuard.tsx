/** Asks before unsaved changes are left behind; the browser asks when the window is closed. */
import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import type { RefObject } from "react";
import classes from "@/ui/Form.module.css";

/** `isDone`: what was changed has just been saved, before the page could be drawn again. */
export function LeaveGuard(props: { isChanged: boolean; isDone: RefObject<boolean> }) {
  const { isChanged, isDone } = props;
  const blocker = useBlocker({
    shouldBlockFn: () => isChanged && !isDone.current,
    enableBeforeUnload: isChanged,
    withResolver: true,
  });
  return (
    <Modal
      opened={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.form}>
        <p>Your changes to this rule are only on this page.</p>
        <div className={classes.foot}>
          <Button variant="default" size="md" onClick={() => blocker.reset?.()}>
            Stay
          </Button>
          <Button size="md" data-grave onClick={() => blocker.proceed?.()}>
            Leave
          </Button>
        </div>
      </div>
    </Modal>
  );
}
