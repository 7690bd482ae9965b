/** A data table that scrolls inside itself, and the pager below it, whose cursor is in the URL. */
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "@/ui/Table.module.css";

/** One row; on a narrow screen its cells stack, each under the name of its column. */
export function Row({ columns, cells }: { columns: string[]; cells: ReactNode[] }) {
  return (
    <tr>
      {cells.map((cell, index) => (
        <td key={columns[index]} data-label={columns[index]}>
          <div>{cell}</div>
        </td>
      ))}
    </tr>
  );
}

export function Table(props: { label: string; columns: string[]; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
    <div className={classes.scroll} role="region" aria-label={props.label} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

export function Pager(props: {
  isFirst: boolean;
  next: string | null;
  words?: [first: string, more: string];
  go: (cursor: string | undefined) => void;
}) {
  const { next, words: [first, more] = ["Newest", "Older"] } = props;
  if (props.isFirst && next === null) return null;
  return (
    <nav className={classes.pager} aria-label="Pages">
      <Button
        size="xs"
        variant="default"
        disabled={props.isFirst}
        onClick={() => props.go(undefined)}
      >
        {first}
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={next === null}
        onClick={() => props.go(next ?? undefined)}
      >
        {more}
      </Button>
    </nav>
  );
}
