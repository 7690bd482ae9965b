/** Which queries a kind of change makes stale: the one table between Central's log and the cache. */

export type QueryKey = readonly unknown[];

type Part = "site" | "all";

/** Whatever is worked out from the rules. */
const POLICY: [name: string, part: Part][] = [
  ["policy-rules", "all"],
  ["policy-standing", "all"],
  ["policy-findings", "all"],
  ["policy-revisions", "all"],
  ["policy-uses", "all"],
];

/** "site": only that site's queries of this name; "all": every query of this name. */
const KINDS: Record<string, [name: string, part: Part][]> = {
  evidence: [
    ["fleet", "all"],
    ["site", "site"],
    ["results", "site"],
    ["observed", "site"],
    ["posture", "site"],
    ["incidents", "all"],
    ["site-incidents", "site"],
    ["incident", "site"],
    ["would-run", "site"],
    ["evidence", "site"],
    ["evidence-entry", "site"],
    ["order", "site"],
    ["runbooks", "all"],
  ],
  checkpoint: [
    ["evidence", "site"],
    ["evidence-entry", "site"],
    ["fleet", "all"],
    ["site", "site"],
  ],
  order: [
    ["orders", "site"],
    ["order", "site"],
    ["approvals", "all"],
    ["holds", "all"],
    ["incident", "site"],
  ],
  approval: [
    ["approvals", "all"],
    ["incident", "site"],
  ],
  hold: [
    ["holds", "all"],
    ["incident", "site"],
    ["incidents", "all"],
    ["site-incidents", "site"],
    ["runbooks", "all"],
  ],
  handover: [
    ["incident", "site"],
    ["incidents", "all"],
    ["site-incidents", "site"],
  ],
  deviation: [
    ["deviations", "all"],
    ["observed", "site"],
    ["results", "site"],
    ["posture", "site"],
    ["fleet", "all"],
    ["site", "site"],
  ],
  promotion: [
    ["promotions", "all"],
    ["promotion", "all"],
    ["promotion-shadow", "all"],
    ["patterns", "all"],
  ],
  audit: [
    ["audit", "all"],
    ["audit-record", "all"],
  ],
  freeze: [
    ["freezes", "all"],
    ["orders", "site"],
    ["order", "site"],
  ],
  brake: [
    ["brakes", "all"],
    ["runbooks", "all"],
  ],
  "posture.snapshot": [
    ["posture", "site"],
    ["trend", "site"],
  ],
  "site.added": [["fleet", "all"]],
  "site.changed": [
    ["policy-standing", "all"],
    ["policy-preview", "all"],
    ["fleet", "all"],
    ["site", "site"],
    ["incidents", "all"],
    ["would-run", "site"],
  ],
  appliance: [
    ["fleet", "all"],
    ["site", "site"],
    ["incident", "site"],
  ],
  "appliance.enrolled": [
    ["fleet", "all"],
    ["site", "site"],
    ["results", "site"],
    ["enrolment-tokens", "site"],
    ["evidence", "site"],
  ],
  "enrolment.issued": [["enrolment-tokens", "site"]],
  "policy.created": POLICY,
  "policy.updated": POLICY,
  "policy.deleted": POLICY,
  "policy.bulk-created": POLICY,
  "policy.restored": [...POLICY, ["policy-backups", "all"]],
};

/** The keys of a kind, narrowed to its site; null for a kind that this release does not know. */
export function keysFor(kind: string, siteId: string | null): QueryKey[] | null {
  const parts = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (parts === undefined) return null;
  return parts.map(([name, part]) => (part === "site" && siteId ? [name, siteId] : [name]));
}
