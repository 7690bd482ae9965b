/** Things to take along: a copy button, a hash that can be copied, a command to paste. */
import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import classes from "@/ui/Copy.module.css";
import { Icon } from "@/ui/icons";

const COPIED_MS = 1_600;
const HASH_CHARACTERS = 10;

export function CopyButton({ value, label = "Copy" }: { value: string; label?: string }) {
  const clipboard = useClipboard({ timeout: COPIED_MS });
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<Icon name={clipboard.copied ? "pass" : "copy"} size={14} />}
      onClick={() => clipboard.copy(value)}
    >
      <span aria-live="polite">
        {clipboard.error ? "Select and copy by hand" : clipboard.copied ? "Copied" : label}
      </span>
    </Button>
  );
}

export function Hash({ value, whole = false }: { value: string; whole?: boolean }) {
  const clipboard = useClipboard({ timeout: COPIED_MS });
  return (
    <button
      type="button"
      className={classes.hash}
      title={`${value} (click to copy)`}
      onClick={() => clipboard.copy(value)}
    >
      <span className="visually-hidden">Copy hash </span>
      <code>{clipboard.copied ? "copied" : whole ? value : value.slice(0, HASH_CHARACTERS)}</code>
    </button>
  );
}

export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className={classes.command}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <CopyButton value={text} />
    </div>
  );
}
