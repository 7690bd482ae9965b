/** How many rows a page of a list holds. */

export const PAGE_ROWS = 50;
