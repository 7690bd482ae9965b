/** How fresh the pages are kept; a hidden tab asks for nothing (the query client's default). */

export const LIVE_INTERVAL_MS = 4_000;
export const WAITING_INTERVAL_MS = 2_000;
export const PAGE_ROWS = 50;
