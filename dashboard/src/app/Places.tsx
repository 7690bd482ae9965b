/** The way around: the pages, with what waits on them. */
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import classes from "@/app/Frame.module.css";
import { AUDIT } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { waiting } from "@/app/waiting";
import { approvalsQuery } from "@/features/approvals/get-approvals";
import { stopsQuery } from "@/features/brakes/get-stops";
import { deviationsQuery } from "@/features/deviations/get-deviations";
import { holdsQuery } from "@/features/holds/get-holds";
import { promotionsWaitingQuery } from "@/features/promotions/get-waiting";

export function Places() {
  const mayAudit = usePermission(AUDIT);
  const approvals = useQuery(approvalsQuery("pending")).data;
  const holds = useQuery(holdsQuery("active")).data;
  const stops = useQuery(stopsQuery()).data;
  const changed = useQuery(deviationsQuery("changed")).data;
  const earned = useQuery(promotionsWaitingQuery).data?.count;
  const counts = {
    approvals: waiting(approvals),
    holds: waiting(holds, stops),
    changed: waiting(changed),
    earned: earned ? String(earned) : null,
  };
  const nav = useHereInView(Object.values(counts).join(" "));
  return (
    <nav ref={nav} className={classes.places} aria-label="Pages">
      <Place to="/" label="Fleet" />
      <Place to="/incidents" label="Incidents" />
      <Place to="/approvals" label="Approvals" waiting={counts.approvals} />
      <Place to="/holds" label="Holds" waiting={counts.holds} />
      <Place to="/deviations" label="Deviations" waiting={counts.changed} />
      <Place to="/runbooks" label="Runbooks" />
      <Place to="/promotions" label="Promotions" waiting={counts.earned} />
      <Place to="/policy" label="Policy" />
      {mayAudit && <Place to="/audit" label="Audit log" />}
    </nav>
  );
}

/** On a narrow screen the row of pages scrolls: the one that is open is to be seen, also once
 * counts have moved it. */
function useHereInView(counts: string) {
  const nav = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  useEffect(() => {
    const here = nav.current?.querySelector("[aria-current=page]");
    here?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [path, counts]);
  return nav;
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
    | "/policy"
    | "/audit";
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
