/** The frame of a page: where it belongs, its title, its actions; and a titled panel in it. */
import { Link, type LinkProps } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { Icon } from "@/ui/icons";
import classes from "@/ui/Page.module.css";

type Up = LinkProps & { label: string };

export function Page(props: {
  title: string;
  heading?: ReactNode;
  up?: Up;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${props.title} · Wardline`;
  }, [props.title]);
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div className={classes.titles}>
          {props.up && <UpLink {...props.up} />}
          <h1>{props.heading ?? props.title}</h1>
          {props.lead && <div className={classes.lead}>{props.lead}</div>}
        </div>
        {props.actions && <div className={classes.actions}>{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

function UpLink({ label, ...link }: Up) {
  return (
    <Link {...link} className={classes.up}>
      <Icon name="back" size={13} />
      {label}
    </Link>
  );
}

export function Panel(props: { title?: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.panel} aria-label={props.title}>
      {props.title && (
        <div className={classes.panelHead}>
          <h2>{props.title}</h2>
          {props.note && <div className={classes.note}>{props.note}</div>}
        </div>
      )}
      {props.children}
    </section>
  );
}

/** Labelled facts in a row that wraps. */
export function Pairs({ pairs }: { pairs: [label: string, value: ReactNode][] }) {
  return (
    <dl className={classes.pairs}>
      {pairs.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
