/** One thing that people look at or decide about: its title, how it stands, and what can be done. */
import type { ReactNode } from "react";
import { Badge } from "@/ui/Badge";
import classes from "@/ui/Card.module.css";
import type { Word } from "@/ui/words";

interface Props {
  heading: ReactNode;
  word: Word;
  /** Somebody has to act: it waits for them, or something fails. */
  mark?: "waits" | "fails" | undefined;
  children: ReactNode;
}

export function Card({ heading, word, mark, children }: Props) {
  return (
    <article className={classes.card} data-item data-mark={mark}>
      <header className={classes.head}>
        <h2>{heading}</h2>
        <Badge word={word} />
      </header>
      {children}
    </article>
  );
}

/** Small print: facts in a row that wraps. */
export function Meta({ children }: { children: ReactNode }) {
  return <p className={classes.meta}>{children}</p>;
}

/** Buttons in a row; on a narrow screen one below the other. */
export function Deeds({ children }: { children: ReactNode }) {
  return <div className={classes.deeds}>{children}</div>;
}
