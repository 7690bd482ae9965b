/** What the audit log is searched for; it lives in the URL, and so does the record that is open. */

export interface AuditFilter {
  actor?: string;
  action?: string;
  subject?: string;
  site?: string;
  /** Whole days as they are here, both included: 2026-11-21. */
  from?: string;
  to?: string;
  text?: string;
}

export interface AuditSearch extends AuditFilter {
  cursor?: string;
  record?: number;
}

export const CHARACTERS_MAX = 128;
const WORDS = ["actor", "action", "subject", "site", "text"] as const;
const DAYS = ["from", "to"] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The search in a URL's search part; what it does not know it leaves out. */
export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const found: AuditSearch = {};
  for (const name of WORDS) {
    const given = search[name];
    const word = typeof given === "string" || typeof given === "number" ? String(given) : "";
    if (word && word.length <= CHARACTERS_MAX) found[name] = word;
  }
  for (const name of DAYS) {
    const day = search[name];
    if (typeof day === "string" && isDay(day)) found[name] = day;
  }
  if (typeof search.cursor === "string") found.cursor = search.cursor;
  const record = Number(search.record);
  if (Number.isSafeInteger(record) && record > 0) found.record = record;
  return found;
}

/** What of a search says which records are shown. */
export function filterOf(search: AuditSearch): AuditFilter {
  const filter = { ...search };
  delete filter.cursor;
  delete filter.record;
  return filter;
}

/** What Central is asked: days become instants, the last one's end included. */
export function asked(filter: AuditFilter) {
  const { from, to, ...words } = filter;
  return {
    ...words,
    ...(from ? { from: midnight(from, 0) } : {}),
    ...(to ? { until: midnight(to, 1) } : {}),
  };
}

function isDay(day: string): boolean {
  return DAY.test(day) && !Number.isNaN(new Date(`${day}T00:00`).getTime());
}

/** The beginning of a day here, so many days on. */
function midnight(day: string, daysOn: number): string {
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + daysOn);
  return at.toISOString();
}
