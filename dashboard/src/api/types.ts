/** The API's shapes, named: each is what its route answers, so a change of the API shows up here. */
import type { paths } from "@/api/schema";

type Json<Operation> = Operation extends { responses: infer Answers }
  ? {
      [Status in keyof Answers & (200 | 201)]: Answers[Status] extends {
        content: { "application/json": infer Body };
      }
        ? Body
        : never;
    }[keyof Answers & (200 | 201)]
  : never;
type Sent<Operation> = Operation extends {
  requestBody: { content: { "application/json": infer Body } };
}
  ? Body
  : never;

export type Me = Json<paths["/api/v1/session"]["get"]>;
export type Permission = Me["permissions"][number];
export type Fleet = Json<paths["/api/v1/fleet"]["get"]>;
export type SiteOverview = Fleet["items"][number];
export type Results = SiteOverview["results"];
export type Score = SiteOverview["score"];
export type SiteSettings = Sent<paths["/api/v1/sites"]["post"]>;
export type OpeningHours = SiteSettings["opening_hours"][number];
export type Site = Json<paths["/api/v1/sites/{site_id}"]["get"]>;
export type Appliance = Site["appliance_list"][number];
export type Host = Site["host_list"][number];
export type EnrolmentToken = Json<paths["/api/v1/sites/{site_id}/enrolment-tokens"]["post"]>;
export type EnrolmentTokens = Json<paths["/api/v1/sites/{site_id}/enrolment-tokens"]["get"]>;
export type SetHealing = Sent<paths["/api/v1/sites/{site_id}/healing"]["post"]>;
export type WouldRun = Json<paths["/api/v1/sites/{site_id}/would-run"]["get"]>["items"][number];
export type SiteResults = Json<paths["/api/v1/sites/{site_id}/results"]["get"]>;
export type Cell = SiteResults["hosts"][number]["cells"][string];
export type IncidentPage = Json<paths["/api/v1/incidents"]["get"]>;
export type IncidentRow = IncidentPage["items"][number];
export type Incident = Json<paths["/api/v1/sites/{site_id}/incidents/{incident_id}"]["get"]>;
export type EvidencePage = Json<paths["/api/v1/sites/{site_id}/evidence"]["get"]>;
export type EvidenceRow = EvidencePage["items"][number];
export type EvidenceEntry = Json<paths["/api/v1/sites/{site_id}/evidence/{log_index}"]["get"]>;

export type Started = Json<
  paths["/api/v1/sites/{site_id}/incidents/{incident_id}/start"]["post"]
>;
export type Ordered = Json<
  paths["/api/v1/sites/{site_id}/incidents/{incident_id}/check-again"]["post"]
>;
export type HandingOver = Sent<
  paths["/api/v1/sites/{site_id}/incidents/{incident_id}/hand-over"]["post"]
>;
export type HandedOver = Json<
  paths["/api/v1/sites/{site_id}/incidents/{incident_id}/hand-over"]["post"]
>;
export type Runbooks = Json<paths["/api/v1/runbooks"]["get"]>;
export type Runbook = Runbooks["items"][number];
export type Undone = Json<paths["/api/v1/sites/{site_id}/incidents/{incident_id}/undo"]["post"]>;
export type ApprovalPage = Json<paths["/api/v1/approvals"]["get"]>;
export type Approval = ApprovalPage["items"][number];
export type ApprovalState = Approval["state"];
export type OrderPage = Json<paths["/api/v1/orders"]["get"]>;
export type Order = OrderPage["items"][number];
export type OrderStatus = Order["status"];
export type HoldPage = Json<paths["/api/v1/holds"]["get"]>;
export type Hold = HoldPage["items"][number];
export type FreezePage = Json<paths["/api/v1/freezes"]["get"]>;
export type Freeze = FreezePage["items"][number];
export type PromotionPage = Json<paths["/api/v1/promotions"]["get"]>;
export type Promotion = PromotionPage["items"][number];
export type PromotionStory = Json<paths["/api/v1/promotions/{promotion_id}"]["get"]>;
export type PromotionStage = Promotion["stage"];
export type PromotionShadow = Json<paths["/api/v1/promotions/{promotion_id}/shadow"]["get"]>;
export type PatternPage = Json<paths["/api/v1/patterns"]["get"]>;
export type Pattern = PatternPage["items"][number];
export type RunbookMerit = Pattern["runbooks"][number];
export type StopPage = Json<paths["/api/v1/brakes"]["get"]>;
export type Stop = StopPage["items"][number];
export type DeviationPage = Json<paths["/api/v1/deviations"]["get"]>;
export type Deviation = DeviationPage["items"][number];
export type DeviationStory = Json<paths["/api/v1/deviations/{deviation_id}"]["get"]>;
export type Acceptance = Sent<paths["/api/v1/sites/{site_id}/deviations"]["post"]>;
export type Observations = Json<paths["/api/v1/sites/{site_id}/observed/{check}"]["get"]>;
export type Posture = Json<paths["/api/v1/sites/{site_id}/posture"]["get"]>;
export type Trend = Json<paths["/api/v1/sites/{site_id}/trend"]["get"]>;
export type Snapshot = Trend["points"][number];

export type AuditPage = Json<paths["/api/v1/audit"]["get"]>;
export type AuditRow = AuditPage["items"][number];
export type AuditRecord = Json<paths["/api/v1/audit/{seq}"]["get"]>;

export type Outcome = "pass" | "fail" | "unknown" | "not_applicable";
export type IncidentState =
  | "open"
  | "waiting"
  | "observing"
  | "healed"
  | "stable"
  | "resolved"
  | "failed"
  | "escalated";
export type Verdict = "run" | "ask" | "offer" | "block";
