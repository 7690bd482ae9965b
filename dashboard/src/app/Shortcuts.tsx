/** Listens for the app's keys, and shows what they are. */
import { Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import classes from "@/app/Shortcuts.module.css";
import { isOurs, type Pending, PLACES, press, step } from "@/app/shortcuts";

export function Shortcuts() {
  const navigate = useNavigate();
  const [isOpen, { open, close }] = useDisclosure();
  const pending = useRef<Pending>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!isOurs(event)) return;
      const { pending: next, deed } = press(pending.current, event.key, event.timeStamp);
      pending.current = next;
      if (deed === null) return;
      event.preventDefault();
      if (deed.do === "go") void navigate({ to: deed.to });
      else if (deed.do === "help") open();
      else step(deed.do === "next" ? 1 : -1);
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [navigate, open]);
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title="Keys"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <dl className={classes.keys}>
        {Object.entries(PLACES).map(([key, { label }]) => (
          <Key key={key} keys={["g", key]} label={label} />
        ))}
        <Key keys={["j"]} label="Next of a list" />
        <Key keys={["k"]} label="Previous of a list" />
        <Key keys={["Esc"]} label="Close what is open" />
        <Key keys={["?"]} label="This overview" />
      </dl>
    </Modal>
  );
}

function Key({ keys, label }: { keys: string[]; label: string }) {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{label}</dd>
    </div>
  );
}
