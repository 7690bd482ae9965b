/** When the rule is open: days and times on a clock, and the site's opening hours. */
import { Checkbox, Select, Switch, TextInput } from "@mantine/core";
import classes from "@/features/policies/editor/Editor.module.css";
import { NamedSelect, Part } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";
import type { Window } from "@/features/policies/rule";

const WEEK = [1, 2, 3, 4, 5, 6, 0];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NIGHTS: Window = { days: [0, 1, 2, 3, 4, 5, 6], start: "22:00", end: "05:00" };
const SITE_ZONE = "site";
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
const HOURS = [
  { value: "any", label: "Whether the site is open or not" },
  { value: "outside", label: "Only while the site is closed" },
  { value: "inside", label: "Only while the site is open" },
];

export function OpenPart({ form }: { form: Form }) {
  const { draft, problems, set } = form;
  return (
    <Part title="Open" hint="Outside of these times the rule lets nothing run.">
      <Select
        label="Opening hours of the site"
        data={HOURS}
        allowDeselect={false}
        value={draft.openingHours ?? "any"}
        error={problems.at("openingHours")}
        onChange={(wanted) => set("openingHours", wanted === "any" ? undefined : wanted)}
      />
      <Switch
        label="Only at certain days and times"
        checked={Boolean(draft.window)}
        onChange={(event) => set("window", event.currentTarget.checked ? NIGHTS : undefined)}
      />
      {draft.window && <WindowFields form={form} window={draft.window} />}
    </Part>
  );
}

function WindowFields({ form, window }: { form: Form; window: Window }) {
  const { problems, set } = form;
  const isOvernight = window.start > window.end;
  const other = ["window.days", "window.start", "window.end", "window.timezone"].every(
    (path) => problems.at(path) === null,
  );
  return (
    <>
      <Checkbox.Group
        label="Days"
        value={window.days.map(String)}
        error={problems.at("window.days")}
        onChange={(days) => set("window.days", days.map(Number).sort((one, two) => one - two))}
      >
        <div className={classes.chips}>
          {WEEK.map((day) => (
            <Checkbox key={day} value={String(day)} label={DAYS[day]} />
          ))}
        </div>
      </Checkbox.Group>
      <div className={classes.pair}>
        <TextInput
          type="time"
          label="From"
          value={window.start}
          error={problems.at("window.start")}
          onChange={(event) => set("window.start", event.currentTarget.value)}
        />
        <TextInput
          type="time"
          label={isOvernight ? "Until, the next day" : "Until"}
          description="To the end of that minute"
          inputWrapperOrder={["label", "input", "description", "error"]}
          value={window.end}
          error={problems.at("window.end")}
          onChange={(event) => set("window.end", event.currentTarget.value)}
        />
      </div>
      <NamedSelect
        label="On the clock of"
        choices={[
          { value: SITE_ZONE, label: "the site" },
          ...ZONES.map((zone) => ({ value: zone, label: zone })),
        ]}
        value={window.timezone ?? SITE_ZONE}
        error={problems.at("window.timezone")}
        onChange={(zone) => set("window.timezone", zone === SITE_ZONE ? undefined : zone)}
      />
      {other && problems.at("window") && <p className={classes.error}>{problems.at("window")}</p>}
    </>
  );
}
