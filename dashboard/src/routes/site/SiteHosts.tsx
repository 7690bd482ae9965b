/** Hosts × checks, and the appliances that measure them. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { SITES } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Site } from "@/api/types";
import { PosturePanel } from "@/features/posture/PosturePanel";
import { resultsQuery } from "@/features/results/get-results";
import { ResultsMatrix } from "@/features/results/ResultsMatrix";
import { Appliances } from "@/features/sites/Appliances";
import classes from "@/routes/routes.module.css";
import { Icon } from "@/ui/icons";
import { OutcomeBar } from "@/ui/OutcomeBar";
import { Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function SiteHosts({ site }: { site: Site }) {
  const query = useQuery(resultsQuery(site.id));
  const canEnrol = usePermission(SITES);
  return (
    <>
      <PosturePanel siteId={site.id} since={site.created_at} />
      <Panel title="Hosts and checks" note="The latest result of each check">
        <OutcomeBar results={site.results} />
        <Loaded query={query}>
          {(results) => <ResultsMatrix siteId={site.id} results={results} />}
        </Loaded>
      </Panel>
      <Panel title="Appliances">
        <Appliances appliances={site.appliance_list} />
        {canEnrol && (
          <div className={classes.tools}>
            <Button
              component={Link}
              to={`/sites/${site.id}/enrol`}
              variant="default"
              leftSection={<Icon name="plus" />}
            >
              Add an appliance
            </Button>
          </div>
        )}
      </Panel>
    </>
  );
}
