/** The way around: the pages, with what waits on them. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import classes from "@/app/Frame.module.css";
import { approvalsQuery } from "@/features/approvals/get-approvals";
import { deviationsQuery } from "@/features/deviations/get-deviations";
import { holdsQuery } from "@/features/holds/get-holds";
import { promotionsWaitingQuery } from "@/features/promotions/get-waiting";

export function Places() {
  const approvals = useQuery(approvalsQuery("pending")).data;
  const holds = useQuery(holdsQuery("active")).data;
  const changed = useQuery(deviationsQuery("changed")).data;
  const earned = useQuery(promotionsWaitingQuery).data?.count;
  return (
    <nav className={classes.places} aria-label="Pages">
      <Place to="/" label="Fleet" />
      <Place to="/incidents" label="Incidents" />
      <Place to="/approvals" label="Approvals" waiting={counted(approvals)} />
      <Place to="/holds" label="Holds" waiting={counted(holds)} />
      <Place to="/deviations" label="Deviations" waiting={counted(changed)} />
      <Place to="/runbooks" label="Runbooks" />
      <Place to="/promotions" label="Promotions" waiting={earned ? String(earned) : null} />
      <Place to="/policy" label="Policy" />
    </nav>
  );
}

function Place(props: {
  to:
    | "/"
    | "/incidents"
    | "/approvals"
    | "/holds"
    | "/deviations"
    | "/runbooks"
    | "/promotions"
    | "/policy";
  label: string;
  waiting?: string | null;
}) {
  return (
    <Link to={props.to} activeOptions={{ exact: props.to === "/", includeSearch: false }}>
      {props.label}
      {props.waiting && (
        <span className={classes.count}>
          {props.waiting}
          <span className="visually-hidden"> waiting</span>
        </span>
      )}
    </Link>
  );
}

function counted(page: { items: unknown[]; next_cursor: string | null } | undefined): string | null {
  if (!page || page.items.length === 0) return null;
  return page.next_cursor === null ? String(page.items.length) : `${page.items.length}+`;
}
