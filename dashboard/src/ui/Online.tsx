/** Whether a site's appliances have checked in lately, in words. */
import classes from "@/ui/Online.module.css";

export function Online({ total, online }: { total: number; online: number }) {
  const state = total === 0 ? "none" : online === total ? "all" : online > 0 ? "some" : "off";
  return (
    <span className={classes.online} data-state={state}>
      {words(total, online)}
    </span>
  );
}

function words(total: number, online: number): string {
  if (total === 0) return "No appliance";
  if (total === 1) return online === 1 ? "Online" : "Offline";
  return `${online} of ${total} online`;
}
