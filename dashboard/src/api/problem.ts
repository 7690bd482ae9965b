/** What went wrong with a request, in Central's words (RFC 9457) or in ours when it did not answer. */

export interface FieldError {
  path: string;
  reason: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly errors: FieldError[];

  constructor(status: number, title: string, detail: string, code: string, errors: FieldError[] = []) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.code = code;
    this.errors = errors;
  }
}

export const UNREACHABLE = "unreachable";

export function unreachable(): Problem {
  return new Problem(
    0,
    "Wardline does not answer",
    "The connection to Central failed. Nothing was changed; try again when it is back.",
    UNREACHABLE,
  );
}

/** The problem in a refused answer's body; a body of another shape still names its status. */
export function fromBody(status: number, body: unknown): Problem {
  const given = isRecord(body) ? body : {};
  const text = (key: string) => (typeof given[key] === "string" ? (given[key] as string) : undefined);
  return new Problem(
    status,
    text("title") ?? `Central answered ${status}`,
    text("detail") ?? "Central gave no reason. Its log has the request.",
    text("code") ?? `http_${status}`,
    Array.isArray(given.errors) ? given.errors.filter(isFieldError) : [],
  );
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(0, "This page failed", detail, "page");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.path === "string" && typeof value.reason === "string";
}
