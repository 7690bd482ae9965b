/** Every address of the dashboard, and what its search part may say. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import { Frame } from "@/app/Frame";
import { readAuditSearch } from "@/features/audit/filter";
import { readFilter } from "@/features/incidents/filter";
import { readRuleFilter } from "@/features/policies/filter";
import { FleetPage } from "@/routes/FleetPage";
import { NotFoundPage } from "@/routes/NotFoundPage";
import { PasswordPage } from "@/routes/PasswordPage";
import { SignInPage } from "@/routes/SignInPage";
import { readTab } from "@/routes/site/tabs";
import { Failed, Loading } from "@/ui/States";

const root = createRootRoute({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: ({ to }: Record<string, unknown>): { to?: string } => ownAddress(to),
  component: SignInPage,
});

const password = createRoute({
  getParentRoute: () => root,
  path: "/password",
  component: PasswordPage,
});

const frame = createRoute({ getParentRoute: () => root, id: "frame", component: Frame });

const fleet = createRoute({
  getParentRoute: () => frame,
  path: "/",
  validateSearch: readCursor,
  component: FleetPage,
});

const newSite = createRoute({
  getParentRoute: () => frame,
  path: "/sites/new",
  component: lazyRouteComponent(() => import("@/routes/NewSitePage"), "NewSitePage"),
});

const site = createRoute({
  getParentRoute: () => frame,
  path: "/sites/$siteId",
  validateSearch: (search: Record<string, unknown>) => {
    const tab = readTab(search.tab);
    return { ...(tab ? { tab } : {}), ...readFilter(search) };
  },
  component: lazyRouteComponent(() => import("@/routes/SitePage"), "SitePage"),
});

const enrol = createRoute({
  getParentRoute: () => frame,
  path: "/sites/$siteId/enrol",
  component: lazyRouteComponent(() => import("@/routes/EnrolPage"), "EnrolPage"),
});

const incident = createRoute({
  getParentRoute: () => frame,
  path: "/sites/$siteId/incidents/$incidentId",
  component: lazyRouteComponent(() => import("@/routes/IncidentPage"), "IncidentPage"),
});

const entry = createRoute({
  getParentRoute: () => frame,
  path: "/sites/$siteId/evidence/$logIndex",
  component: lazyRouteComponent(() => import("@/routes/EntryPage"), "EntryPage"),
});

const incidents = createRoute({
  getParentRoute: () => frame,
  path: "/incidents",
  validateSearch: readFilter,
  component: lazyRouteComponent(() => import("@/routes/IncidentsPage"), "IncidentsPage"),
});

const approvals = createRoute({
  getParentRoute: () => frame,
  path: "/approvals",
  component: lazyRouteComponent(() => import("@/routes/ApprovalsPage"), "ApprovalsPage"),
});

const holds = createRoute({
  getParentRoute: () => frame,
  path: "/holds",
  validateSearch: readCursor,
  component: lazyRouteComponent(() => import("@/routes/HoldsPage"), "HoldsPage"),
});

const deviations = createRoute({
  getParentRoute: () => frame,
  path: "/deviations",
  validateSearch: (search): { cursor?: string; ended?: string } => ({
    ...readCursor(search),
    ...(typeof search.ended === "string" ? { ended: search.ended } : {}),
  }),
  component: lazyRouteComponent(() => import("@/routes/DeviationsPage"), "DeviationsPage"),
});

const deviation = createRoute({
  getParentRoute: () => frame,
  path: "/deviations/$deviationId",
  component: lazyRouteComponent(() => import("@/routes/DeviationPage"), "DeviationPage"),
});

const accept = createRoute({
  getParentRoute: () => frame,
  path: "/sites/$siteId/accept/$check",
  validateSearch: ({ host }: Record<string, unknown>): { host?: string } =>
    typeof host === "string" ? { host } : {},
  component: lazyRouteComponent(() => import("@/routes/AcceptPage"), "AcceptPage"),
});

const runbooks = createRoute({
  getParentRoute: () => frame,
  path: "/runbooks",
  component: lazyRouteComponent(() => import("@/routes/RunbooksPage"), "RunbooksPage"),
});

const promotions = createRoute({
  getParentRoute: () => frame,
  path: "/promotions",
  validateSearch: readCursor,
  component: lazyRouteComponent(() => import("@/routes/PromotionsPage"), "PromotionsPage"),
});

const promotion = createRoute({
  getParentRoute: () => frame,
  path: "/promotions/$promotionId",
  component: lazyRouteComponent(() => import("@/routes/PromotionPage"), "PromotionPage"),
});

const policy = createRoute({
  getParentRoute: () => frame,
  path: "/policy",
  validateSearch: readRuleFilter,
  component: lazyRouteComponent(() => import("@/routes/policy/RulesPage"), "RulesPage"),
});

const rule = createRoute({
  getParentRoute: () => frame,
  path: "/policy/rule",
  validateSearch: ({ id, like }: Record<string, unknown>): { id?: string; like?: string } => ({
    ...(isName(id) ? { id: String(id) } : {}),
    ...(isName(like) ? { like: String(like) } : {}),
  }),
  component: lazyRouteComponent(() => import("@/routes/policy/RulePage"), "RulePage"),
});

const tryIt = createRoute({
  getParentRoute: () => frame,
  path: "/policy/try",
  component: lazyRouteComponent(() => import("@/routes/policy/TryPage"), "TryPage"),
});

const history = createRoute({
  getParentRoute: () => frame,
  path: "/policy/history",
  validateSearch: readCursor,
  component: lazyRouteComponent(() => import("@/routes/policy/HistoryPage"), "HistoryPage"),
});

const backups = createRoute({
  getParentRoute: () => frame,
  path: "/policy/backups",
  component: lazyRouteComponent(() => import("@/routes/policy/BackupsPage"), "BackupsPage"),
});

const audit = createRoute({
  getParentRoute: () => frame,
  path: "/audit",
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import("@/routes/AuditPage"), "AuditPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    password,
    frame.addChildren([
      fleet,
      newSite,
      site,
      enrol,
      incident,
      entry,
      incidents,
      approvals,
      holds,
      deviations,
      deviation,
      accept,
      runbooks,
      promotions,
      promotion,
      policy,
      rule,
      tryIt,
      history,
      backups,
      audit,
    ]),
  ]),
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

function readCursor({ cursor }: Record<string, unknown>): { cursor?: string } {
  return typeof cursor === "string" ? { cursor } : {};
}

/** A search part that looks like a number is read as one, and may be the id of a rule all the same. */
function isName(given: unknown): given is string | number {
  return typeof given === "string" || typeof given === "number";
}

/** Only an address on this server: never `//elsewhere`. */
function ownAddress(to: unknown): { to?: string } {
  return typeof to === "string" && /^\/(?![/\\])/.test(to) ? { to } : {};
}
