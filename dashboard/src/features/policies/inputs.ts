/** A runbook's inputs as a person types them, and as the rule carries them. */

/** "PermitRootLogin, X11Forwarding" for a list; a text as it is; anything else as JSON. */
export function inputText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return looksOther(value) ? JSON.stringify(value) : value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  const joined = value.join(", ");
  return JSON.stringify(readInput(joined)) === JSON.stringify(value) ? joined : JSON.stringify(value);
}

/** The value of a typed text; undefined for an empty one. */
export function readInput(text: string): unknown {
  const typed = text.trim();
  if (typed === "") return undefined;
  // A placeholder such as {facts.paths} is a text, though it begins like a map.
  if (/^\{[a-z]+(\.[^{}]+)?\}$/.test(typed)) return typed;
  if (/^[[{"]|^-?\d+(\.\d+)?$|^(true|false)$/.test(typed)) {
    try {
      return JSON.parse(typed) as unknown;
    } catch {
      return typed;
    }
  }
  if (!typed.includes(",")) return typed;
  return typed.split(",").flatMap((part) => (part.trim() ? [part.trim()] : []));
}

/** A map in JSON, empty for an empty text; `map` null with the fault where it is none. */
export function readMap(text: string): { map: Record<string, unknown> | null; fault: string } {
  if (text.trim() === "") return { map: {}, fault: "" };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { map: value as Record<string, unknown>, fault: "" };
    }
    return { map: null, fault: "A map is needed: {…}" };
  } catch (error) {
    return { map: null, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether a text, typed as it is, would be read as something else. */
function looksOther(text: string): boolean {
  return readInput(text) !== text;
}
