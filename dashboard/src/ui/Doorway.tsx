/** The frame of the pages in front of the product: mark, one title, one form. */
import { type ReactNode, useEffect } from "react";
import classes from "@/ui/Doorway.module.css";
import { Mark } from "@/ui/Mark";

export function Doorway(props: { title: string; lead: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${props.title} · Wardline`;
  }, [props.title]);
  return (
    <main className={classes.doorway}>
      <div className={classes.card}>
        <Mark />
        <div>
          <h1>{props.title}</h1>
          <p>{props.lead}</p>
        </div>
        {props.children}
      </div>
    </main>
  );
}
