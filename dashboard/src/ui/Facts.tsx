/** Measured facts, which are any JSON, as something a person reads. */
import classes from "@/ui/Facts.module.css";

const OPEN_FACTS_MAX = 8;

export function Facts({ facts }: { facts: Record<string, unknown> }) {
  const entries = Object.entries(facts);
  if (entries.length === 0) return <p className={classes.none}>No facts were recorded.</p>;
  const empty = entries.filter(([, value]) => isEmpty(value)).map(([key]) => key);
  return (
    <dl className={classes.facts}>
      {entries
        .filter(([, value]) => !isEmpty(value))
        .map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>
              <Fact value={value} />
            </dd>
          </div>
        ))}
      {empty.length > 0 && (
        <div>
          <dt>none</dt>
          <dd className={classes.none}>{empty.join(", ")}</dd>
        </div>
      )}
    </dl>
  );
}

function Fact({ value }: { value: unknown }) {
  if (Array.isArray(value)) return <FactList values={value} />;
  if (isObject(value)) return <FactGroup facts={value} />;
  if (typeof value === "boolean") return <>{value ? "yes" : "no"}</>;
  return <code>{String(value)}</code>;
}

/** Many values fold away, so that the few that matter are seen first. */
function FactGroup({ facts }: { facts: Record<string, unknown> }) {
  const count = Object.keys(facts).length;
  if (count <= OPEN_FACTS_MAX) return <Facts facts={facts} />;
  return (
    <details className={classes.more}>
      <summary>{count} values</summary>
      <Facts facts={facts} />
    </details>
  );
}

function FactList({ values }: { values: unknown[] }) {
  if (values.every(isObject)) return <FactTable rows={values} />;
  return (
    <ul className={classes.list}>
      {values.map((value, index) => (
        <li key={index}>
          <Fact value={value} />
        </li>
      ))}
    </ul>
  );
}

function FactTable({ rows }: { rows: Record<string, unknown>[] }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="Measured values">
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{column in row ? <Fact value={row[column]} /> : null}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === null || value === "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
