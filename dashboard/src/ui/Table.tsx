/** A data table that scrolls inside itself, and the pager below it, whose cursor is in the URL. */
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Steady } from "@/ui/steady";
import classes from "@/ui/Table.module.css";

type Holding = Pick<Steady<unknown>, "hold" | "waiting">;

/** One row; on a narrow screen its cells stack, each under the name of its column. */
export function Row(props: { columns: string[]; cells: ReactNode[]; isFresh?: boolean }) {
  const { columns, cells } = props;
  return (
    <tr data-item data-fresh={props.isFresh || undefined}>
      {cells.map((cell, index) => (
        <td key={columns[index]} data-label={columns[index]}>
          <div>{cell}</div>
        </td>
      ))}
    </tr>
  );
}

/** What stands in a cell, and below it in small print what belongs to it. */
export function Cell({ below, children }: { below: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.cell}>
      {children}
      {below && <small>{below}</small>}
    </div>
  );
}

export function Table(props: {
  label: string;
  columns: string[];
  steady?: Holding;
  children: ReactNode;
}) {
  const { steady } = props;
  return (
    <div
      className={classes.scroll}
      role="region"
      aria-label={props.label}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
      tabIndex={0}
      {...steady?.hold}
    >
      {steady && <Waiting count={steady.waiting} />}
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

/** Says that rows wait, without moving those that are there. */
function Waiting({ count }: { count: number }) {
  return (
    <p className={classes.waiting} role="status">
      {count > 0 && <span>{count} new, shown once the pointer leaves</span>}
    </p>
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
    <nav className={classes.pager} aria-label="Pages of the list">
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
