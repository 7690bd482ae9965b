/** How far an enrolment has come, from what Central knows. */
import type { EnrolmentToken, EnrolmentTokens, Site } from "@/api/types";

export type Arrival =
  | { step: "waiting" }
  | { step: "arrived"; applianceId: string }
  | { step: "measured"; applianceId: string };

export function arrival(
  token: EnrolmentToken | undefined,
  tokens: EnrolmentTokens | undefined,
  site: Site,
): Arrival {
  const used = tokens?.items.find((row) => row.id === token?.id && row.used_at !== null);
  const applianceId = used?.used_by;
  if (!applianceId) return { step: "waiting" };
  const { pass, fail, unknown, not_applicable } = site.results;
  const isMeasured = pass + fail + unknown + not_applicable > 0;
  return { step: isMeasured ? "measured" : "arrived", applianceId };
}
