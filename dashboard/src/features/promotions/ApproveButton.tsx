/** Lets L1 do it by itself, at one site first: a named person, with a reason. */
import { Button, NativeSelect } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import type { Promotion, PromotionShadow } from "@/api/types";
import { useApprove } from "@/features/promotions/approve";
import { ReasonDialog } from "@/ui/ReasonDialog";

interface Props {
  promotion: Promotion;
  shadow: PromotionShadow;
}

export function ApproveButton({ promotion, shadow }: Props) {
  const [isOpen, dialog] = useDisclosure();
  const sites = shadow.sites.filter(({ heals }) => heals);
  const [chosen, choose] = useState<string | null>(null);
  const siteId = chosen ?? sites[0]?.site_id;
  const approve = useApprove(promotion.id);
  const close = () => {
    dialog.close();
    approve.reset();
  };
  const isPossible = shadow.against.length === 0 && siteId !== undefined;
  return (
    <div>
      <Button size="md" onClick={dialog.open} disabled={!isPossible}>
        Approve…
      </Button>
      {sites.length === 0 && <p>No site that met with it heals: a canary needs one that does.</p>}
      <ReasonDialog
        isOpen={isOpen}
        title={`Let ${promotion.runbook_title.toLowerCase()} run by itself`}
        action="Begin the canary"
        isBusy={approve.isPending}
        error={approve.error}
        onSubmit={(reason) => siteId && approve.mutate({ siteId, reason }, { onSuccess: close })}
        onClose={close}
      >
        <p>
          For drifts of this pattern L1 runs <code>{promotion.runbook_id}</code> where the policy
          lets it: for 48 hours at one site, then at all of yours. One run of the canary that does
          not last ends it; later, more than 20 % of them do.
        </p>
        <NativeSelect
          label="Site of the canary"
          value={siteId}
          onChange={(event) => choose(event.currentTarget.value)}
          data={sites.map((site) => ({
            value: site.site_id,
            label: `${site.name} (${site.incidents} lately)`,
          }))}
        />
      </ReasonDialog>
    </div>
  );
}
