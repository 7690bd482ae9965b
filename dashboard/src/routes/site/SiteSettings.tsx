/** The site's settings, for those who may change them with a form. */
import { SITES } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Site } from "@/api/types";
import { SettingsPanel } from "@/features/sites/SettingsPanel";
import classes from "@/routes/routes.module.css";

export function SiteSettings({ site }: { site: Site }) {
  const canChange = usePermission(SITES);
  return (
    <div className={classes.narrow}>
      <SettingsPanel site={site} canChange={canChange} />
    </div>
  );
}
