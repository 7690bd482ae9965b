/** /: every site of the partner; an empty fleet is the first run. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { SITES } from "@/api/permissions";
import { useMe, usePermission } from "@/api/session";
import type { Fleet } from "@/api/types";
import { FleetTotals } from "@/features/fleet/FleetTotals";
import { fleetQuery } from "@/features/fleet/get-fleet";
import { SiteCard } from "@/features/fleet/SiteCard";
import { FreezeBanners } from "@/features/freezes/FreezeBanner";
import { FreezeButton } from "@/features/freezes/FreezeButton";
import { Icon } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { Empty, Loaded, Loading } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function FleetPage() {
  const { cursor } = useSearch({ from: "/frame/" });
  const query = useQuery(fleetQuery(cursor));
  const canAdd = usePermission(SITES);
  const isEmpty = query.data?.totals.sites === 0;
  return (
    <Page
      title="Fleet"
      actions={
        query.data !== undefined &&
        !isEmpty && (
          <>
            <FreezeButton name="all sites" />
            {canAdd && <AddSite />}
          </>
        )
      }
    >
      <FreezeBanners />
      <Loaded query={query} loading={<Loading rows={4} height={110} />}>
        {(fleet) => (isEmpty ? <FirstRun canAdd={canAdd} /> : <Sites fleet={fleet} cursor={cursor} />)}
      </Loaded>
    </Page>
  );
}

function Sites({ fleet, cursor }: { fleet: Fleet; cursor: string | undefined }) {
  const navigate = useNavigate();
  return (
    <>
      <FleetTotals totals={fleet.totals} />
      {fleet.items.map((site) => (
        <SiteCard key={site.id} site={site} />
      ))}
      <Pager
        isFirst={cursor === undefined}
        next={fleet.next_cursor}
        words={["First sites", "More sites"]}
        go={(next) => void navigate({ to: "/", search: { cursor: next } })}
      />
    </>
  );
}

function FirstRun({ canAdd }: { canAdd: boolean }) {
  const partner = useMe()?.partner.name ?? "Your partner";
  return (
    <Empty title="No site yet">
      <p>
        {partner} has no site. A site is one clinic: you name it, paste one line on a machine
        there, and this page shows what that machine and its hosts measure. Nothing is changed
        until you say so.
      </p>
      {canAdd ? <AddSite /> : <p>Ask a manager or the owner to add the first one.</p>}
    </Empty>
  );
}

function AddSite() {
  return (
    <Button component={Link} to="/sites/new" leftSection={<Icon name="plus" />}>
      Add a site
    </Button>
  );
}
