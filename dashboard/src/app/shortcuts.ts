/** The few keys of the whole app, as a function of what was pressed before; typing is never a key. */

export const PLACES = {
  f: { to: "/", label: "Fleet" },
  i: { to: "/incidents", label: "Incidents" },
  a: { to: "/approvals", label: "Approvals" },
  h: { to: "/holds", label: "Holds" },
  d: { to: "/deviations", label: "Deviations" },
  r: { to: "/runbooks", label: "Runbooks" },
  m: { to: "/promotions", label: "Promotions" },
  p: { to: "/policy", label: "Policy" },
} as const;

const PAIR_MS_MAX = 1_500;

export type PlaceKey = keyof typeof PLACES;
export type Deed =
  | { do: "go"; to: (typeof PLACES)[PlaceKey]["to"] }
  | { do: "next" }
  | { do: "previous" }
  | { do: "help" }
  | null;

/** When `g` was pressed, in ms; null when the next key stands alone. */
export type Pending = number | null;

export function press(pending: Pending, key: string, at: number): { pending: Pending; deed: Deed } {
  const isPair = pending !== null && at - pending < PAIR_MS_MAX;
  if (isPair && isPlace(key)) return { pending: null, deed: { do: "go", to: PLACES[key].to } };
  switch (key) {
    case "g":
      return { pending: at, deed: null };
    case "j":
      return { pending: null, deed: { do: "next" } };
    case "k":
      return { pending: null, deed: { do: "previous" } };
    case "?":
      return { pending: null, deed: { do: "help" } };
    default:
      return { pending: null, deed: null };
  }
}

/** Keys that belong to a field, to an open dialog or menu, or to the browser are not ours. */
export function isOurs(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  const { target } = event;
  if (!(target instanceof Element)) return true;
  if (target instanceof HTMLElement && target.isContentEditable) return false;
  return (
    target.closest("input, textarea, select, [role=combobox], [role=menu], [role=listbox]") ===
      null && document.querySelector("[role=dialog]") === null
  );
}

/** Moves the focus to the next or the previous item of the page's list. */
export function step(by: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>("main [data-item]")];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const wanted = at === -1 ? (by === 1 ? 0 : items.length - 1) : at + by;
  const first = items[wanted]?.querySelector<HTMLElement>("a[href], button");
  first?.focus();
  first?.scrollIntoView({ block: "nearest" });
}

function isPlace(key: string): key is PlaceKey {
  return Object.hasOwn(PLACES, key);
}
