/** /sites/{id}: the clinic's state and switch, then one of its parts, named in the URL. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { EVIDENCE, HEALING as CAN_SWITCH } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Site } from "@/api/types";
import { FreezeBanners } from "@/features/freezes/FreezeBanner";
import { FreezeButton } from "@/features/freezes/FreezeButton";
import { siteQuery } from "@/features/sites/get-site";
import { HealingDialog } from "@/features/sites/HealingDialog";
import classes from "@/routes/routes.module.css";
import { SiteEvidence } from "@/routes/site/SiteEvidence";
import { SiteHosts } from "@/routes/site/SiteHosts";
import { SiteIncidents } from "@/routes/site/SiteIncidents";
import { SiteOrders } from "@/routes/site/SiteOrders";
import { SiteSettings } from "@/routes/site/SiteSettings";
import { SITE_TABS, type SiteTab } from "@/routes/site/tabs";
import { Badge } from "@/ui/Badge";
import { Online } from "@/ui/Online";
import { Page } from "@/ui/Page";
import { scoreWords } from "@/ui/score";
import { Loaded, Loading } from "@/ui/States";
import { HEALING } from "@/ui/words";

export function SitePage() {
  const { siteId } = useParams({ from: "/frame/sites/$siteId" });
  const query = useQuery(siteQuery(siteId));
  return (
    <Loaded query={query} loading={<Loading rows={3} height={120} />}>
      {(site) => <SiteView site={site} />}
    </Loaded>
  );
}

function SiteView({ site }: { site: Site }) {
  const { tab = "hosts" } = useSearch({ from: "/frame/sites/$siteId" });
  const [isOpen, dialog] = useDisclosure();
  const canSwitch = usePermission(CAN_SWITCH);
  const canRead = usePermission(EVIDENCE);
  const score = scoreWords(site.results, site.score);
  return (
    <Page
      title={site.name}
      up={{ label: "Fleet", to: "/" }}
      lead={
        <span className={classes.lead}>
          <Badge word={HEALING[site.healing]} />
          <Online total={site.appliances.total} online={site.appliances.online} />
          <span>
            {score.headline}; {score.detail}
          </span>
        </span>
      }
      actions={
        <>
          <FreezeButton name={site.name} siteId={site.id} />
          {canSwitch && (
            <Button variant={site.healing === "heal" ? "default" : "filled"} onClick={dialog.open}>
              {site.healing === "heal" ? "Make it observe…" : "Let it heal…"}
            </Button>
          )}
        </>
      }
    >
      <FreezeBanners siteId={site.id} />
      <nav className={classes.tabs} aria-label="Parts of the site">
        {SITE_TABS.filter(({ id }) => id !== "evidence" || canRead).map(({ id, label }) => (
          <Link
            key={id}
            to="/sites/$siteId"
            params={{ siteId: site.id }}
            search={{ tab: id }}
            aria-current={id === tab ? "page" : undefined}
            activeProps={{ "aria-current": id === tab ? "page" : undefined }}
          >
            {label}
            {id === "incidents" && site.open_incidents > 0 && ` (${site.open_incidents})`}
          </Link>
        ))}
      </nav>
      <Part site={site} tab={tab} />
      <HealingDialog site={site} isOpen={isOpen} onClose={dialog.close} />
    </Page>
  );
}

function Part({ site, tab }: { site: Site; tab: SiteTab }) {
  switch (tab) {
    case "incidents":
      return <SiteIncidents siteId={site.id} />;
    case "orders":
      return <SiteOrders siteId={site.id} />;
    case "evidence":
      return <SiteEvidence siteId={site.id} />;
    case "settings":
      return <SiteSettings site={site} />;
    case "hosts":
      return <SiteHosts site={site} />;
  }
}
