/** One record beside the list: what was before and after, and how far it is proved. */
import { Drawer } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { AuditRecord } from "@/api/types";
import classes from "@/features/audit/Audit.module.css";
import { changes, differs } from "@/features/audit/changes";
import { recordQuery } from "@/features/audit/get-record";
import { proofWord } from "@/features/audit/proof";
import { Badge } from "@/ui/Badge";
import { Hash } from "@/ui/Copy";
import { Text } from "@/ui/Json";
import { Pairs, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";
import { Time } from "@/ui/Time";

export function RecordDrawer({ seq, close }: { seq: number; close: () => void }) {
  const query = useQuery(recordQuery(seq));
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="lg"
      title={`Record ${seq}`}
      closeButtonProps={{ "aria-label": "Close the record" }}
    >
      <Loaded query={query}>{(record) => <RecordView record={record} />}</Loaded>
    </Drawer>
  );
}

export function RecordView({ record }: { record: AuditRecord }) {
  return (
    <div className={classes.record}>
      <Pairs
        pairs={[
          ["State", <Badge key="state" word={proofWord(record)} />],
          ["When", <Time key="when" at={record.at} />],
          ["Who", record.actor_name ? `${record.actor_name} (${record.actor})` : record.actor],
          ["From", record.address ?? "—"],
          ["Action", record.action],
          ["Subject", record.subject],
          ["Site", record.site_name ?? record.site_id ?? "—"],
          ["Reason", record.reason ?? "—"],
        ]}
      />
      {!record.row_stands && (
        <p role="alert" className={classes.altered}>
          The row that this record was made of says something else now: somebody changed the
          database behind the log. What is shown here is what was recorded.
        </p>
      )}
      <Panel title="Before and after" note="Secrets are left out">
        <Changes record={record} />
      </Panel>
      <Panel title="Proof of inclusion" note={record.proof && proofNote(record, record.proof)}>
        <Pairs pairs={[["Leaf hash", <Hash key="leaf" value={record.leaf_hash} whole />]]} />
        {record.proof && record.checkpoint ? (
          <>
            <ol className={classes.path} aria-label="Proof path">
              {record.proof.path.map((hash, index) => (
                <li key={index}>
                  <Hash value={hash} whole />
                </li>
              ))}
            </ol>
            <Text text={record.checkpoint} label="Checkpoint note" />
          </>
        ) : (
          <p>No checkpoint covers this record yet; the next one will, in a moment.</p>
        )}
        <details>
          <summary>The bytes that were hashed</summary>
          <Text text={record.leaf} label="Leaf" />
        </details>
      </Panel>
    </div>
  );
}

function Changes({ record }: { record: AuditRecord }) {
  const rows = changes(record.before, record.after);
  if (rows.length === 0) return <p>The action says it all: there is no more to compare.</p>;
  return (
    <table className={classes.changes}>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.path} data-differs={differs(row) || undefined}>
            <th scope="row">{row.path}</th>
            <td>{row.before ?? "—"}</td>
            <td>{row.after ?? "—"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function proofNote({ seq }: AuditRecord, { size, path }: { size: number; path: string[] }) {
  return `Leaf ${seq - 1} of the tree of size ${size}, ${path.length} hashes`;
}
