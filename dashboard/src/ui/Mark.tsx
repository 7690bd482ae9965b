/** The product's mark and name. */
import classes from "@/ui/Mark.module.css";

export function Mark() {
  return (
    <span className={classes.mark}>
      <img src="/wardline.svg" alt="" width="28" height="28" />
      Wardline
    </span>
  );
}
