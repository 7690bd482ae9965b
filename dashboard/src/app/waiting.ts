/** How much waits on a page, as far as the first pages of its lists tell. */

interface Listed {
  items: unknown[];
  next_cursor: string | null;
}

/** "3", or "50+" where there are more; null while nothing waits or nothing is known yet. */
export function waiting(...lists: (Listed | undefined)[]): string | null {
  const known = lists.filter((one) => one !== undefined);
  const count = known.reduce((sum, { items }) => sum + items.length, 0);
  if (count === 0) return null;
  return known.some((one) => one.next_cursor !== null) ? `${count}+` : String(count);
}
