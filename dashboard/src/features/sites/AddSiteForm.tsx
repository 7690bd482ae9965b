/** A new site. */
import type { SiteOverview } from "@/api/types";
import { useCreateSite } from "@/features/sites/create-site";
import { usualWeek } from "@/features/sites/hours";
import { HERE, SiteForm } from "@/features/sites/SiteForm";

export function AddSiteForm({ onDone }: { onDone: (site: SiteOverview) => void }) {
  const create = useCreateSite();
  return (
    <SiteForm
      name=""
      zone={HERE}
      week={usualWeek()}
      action="Add the site"
      isBusy={create.isPending}
      error={create.error}
      onSubmit={(settings) => create.mutate(settings, { onSuccess: onDone })}
    />
  );
}
