/** One entry of the log: its record, what was signed, and the proof that it is in the log. */
import type { EvidenceEntry } from "@/api/types";
import classes from "@/features/evidence/EntryView.module.css";
import { verifyCommand } from "@/features/evidence/ExportEvidence";
import { Command, Hash } from "@/ui/Copy";
import { Facts } from "@/ui/Facts";
import { Json, Text } from "@/ui/Json";
import { Pairs, Panel } from "@/ui/Page";

export function EntryView(props: { siteId: string; logIndex: number; entry: EvidenceEntry }) {
  const { entry, logIndex, siteId } = props;
  return (
    <>
      <Panel title="The log's record" note="These bytes are the leaf of the tree">
        <Facts facts={entry.entry as Record<string, unknown>} />
        <Pairs pairs={[["Leaf hash", <Hash key="leaf" value={entry.leaf_hash} whole />]]} />
      </Panel>
      <Panel title="What was signed" note="The payload, laid out; its exact bytes are in the export">
        {entry.payload ? (
          <Json value={entry.payload} label="Payload" />
        ) : (
          <p>This entry has no payload: it records an event of the log itself.</p>
        )}
        {entry.envelope && (
          <details className={classes.more}>
            <summary>Envelope with its signature</summary>
            <Json value={entry.envelope} label="Envelope" />
          </details>
        )}
      </Panel>
      <Panel title="Proof of inclusion" note={<ProofNote logIndex={logIndex} entry={entry} />}>
        {entry.proof && entry.checkpoint ? (
          <>
            <ol className={classes.path} aria-label="Proof path">
              {entry.proof.path.map((hash, index) => (
                <li key={index}>
                  <Hash value={hash} whole />
                </li>
              ))}
            </ol>
            <Text text={entry.checkpoint} label="Checkpoint note" />
            <Command
              text={verifyCommand(siteId, entry.proof.size)}
              label="Command that verifies the site's export"
            />
          </>
        ) : (
          <p>No checkpoint covers this entry yet; the next one will. This page waits for it.</p>
        )}
      </Panel>
    </>
  );
}

function ProofNote({ logIndex, entry }: { logIndex: number; entry: EvidenceEntry }) {
  if (!entry.proof) return null;
  return (
    <>
      Leaf {logIndex} of the tree of size {entry.proof.size}, {entry.proof.path.length} hashes
    </>
  );
}
