/** What Central says on the socket (/api/v1/live), read strictly; it names what to fetch again. */

export interface Hello {
  type: "hello";
  seq: number;
  epoch: string;
  recovered: boolean;
}

export interface Change {
  type: "change";
  seq: number;
  kind: string;
  siteId: string | null;
  subject: string;
}

export type Frame = Hello | Change | { type: "pong" };

/** The frame in a message, or null for what this release does not know. */
export function readFrame(data: unknown): Frame | null {
  const given = parsed(data);
  if (given === null) return null;
  const { type, seq, epoch, recovered, kind, site_id: siteId, subject } = given;
  if (type === "pong") return { type };
  if (typeof seq !== "number") return null;
  if (type === "hello") {
    return typeof epoch === "string" && typeof recovered === "boolean"
      ? { type, seq, epoch, recovered }
      : null;
  }
  if (type !== undefined || typeof kind !== "string" || typeof subject !== "string") return null;
  return { type: "change", seq, kind, subject, siteId: typeof siteId === "string" ? siteId : null };
}

function parsed(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
