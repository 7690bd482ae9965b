/** The pages of the list of rules, which is in the browser whole: any page is one step away. */
import { Button } from "@mantine/core";
import classes from "@/features/policies/RulePager.module.css";

export function RulePager(props: { page: number; pages: number; go: (page: number) => void }) {
  const { page, pages, go } = props;
  if (pages === 1) return null;
  const to = (label: string, wanted: number) => (
    <Button
      size="xs"
      variant="default"
      disabled={wanted === page || wanted < 1 || wanted > pages}
      onClick={() => go(wanted)}
    >
      {label}
    </Button>
  );
  return (
    <nav className={classes.pager} aria-label="Pages of the list">
      {to("First", 1)}
      {to("Before", page - 1)}
      <span>
        Page {page} of {pages}
      </span>
      {to("Next", page + 1)}
      {to("Last", pages)}
    </nav>
  );
}
