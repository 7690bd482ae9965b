/** JSON, laid out, in a box that scrolls. */
import classes from "@/ui/Json.module.css";

const INDENT = 2;

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Text text={JSON.stringify(value, null, INDENT)} label={label} />;
}

export function Text({ text, label }: { text: string; label: string }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
    <pre className={classes.text} tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}
