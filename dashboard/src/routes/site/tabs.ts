/** The parts of a site's page, as the URL names them. */

export const SITE_TABS = [
  { id: "hosts", label: "Hosts" },
  { id: "incidents", label: "Incidents" },
  { id: "orders", label: "Orders" },
  { id: "evidence", label: "Evidence" },
  { id: "settings", label: "Settings" },
] as const;

export type SiteTab = (typeof SITE_TABS)[number]["id"];

export function readTab(given: unknown): SiteTab | undefined {
  return SITE_TABS.find(({ id }) => id === given)?.id;
}
