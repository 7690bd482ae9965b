"""The verification of an exported audit log: nothing is taken on the word of the one who made it.

No appliance witnesses this log. What vouches for it from outside is a checkpoint that the reader
kept, and the log's key, which is that of the installation's evidence logs: keys.txt from a clinic
names it. Without both the verdict is "unwitnessed" at best.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from wardline.core.audit import record
from wardline.core.errors import Malformed
from wardline.core.evidence import heads, signing
from wardline.core.evidence.heads import Heads, Located
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit, Findings, Verdict

CLOCK_SKEW_MS_MAX = 10 * 60 * 1000

_ORIGIN = re.compile(r"wardline\.local/(?:audit|log)/([^/]+)/([^/]+)/g[1-9]\d*")


@dataclass(frozen=True, slots=True)
class Export:
    """A partner's log from its first record: leaf bytes in order, checkpoints (note texts) by
    size. The iterables may raise Malformed; each is read once."""

    partner: str
    origin: str
    log_public: bytes
    records: Iterable[Located]
    checkpoints: Iterable[Located]


def verify(export: Export, trust: Trust | None) -> Verdict:
    """The verdict on an export; `trust` holds what its reader knows from elsewhere."""
    known = trust or Trust()
    findings = Findings()
    found = heads.of(export.origin, export.log_public, export.checkpoints, known.held, findings)
    audit = _Audit(export, known, findings, found)
    try:
        audit.run()
    except Malformed as error:
        findings.find(Exit.INVALID, error.where, error.why)
    return audit.verdict()


@dataclass(slots=True)
class _Audit:
    export: Export
    trust: Trust
    findings: Findings
    heads: Heads
    newest_ms: int = 0
    key_known: bool = field(init=False)

    def __post_init__(self) -> None:
        self.key_known = self.export.log_public in self._keys()

    def run(self) -> None:
        self._check_origin()
        self._check_key()
        self.heads.reach()
        for located in self.export.records:
            self._record(located)
            self.heads.reach()
        self.heads.end()

    def _keys(self) -> frozenset[bytes]:
        """The keys that the reader knows as those of this installation's logs."""
        mine = _installation(self.export.origin)
        known = (keys for origin, keys in self.trust.logs.items() if _installation(origin) == mine)
        return frozenset[bytes]().union(*known) if mine else frozenset()

    def _check_origin(self) -> None:
        match = _ORIGIN.fullmatch(self.export.origin)
        if match is None or match[2] != self.export.partner or "/audit/" not in match[0]:
            what = f"{self.export.origin} is not the audit log of {self.export.partner}"
            self.findings.find(Exit.INVALID, "manifest.json", what)

    def _check_key(self) -> None:
        if self.trust.logs and not self.key_known:
            key_id = signing.key_id(self.export.log_public)
            what = f"you do not trust key {key_id} for log {self.export.origin}"
            self.findings.find(Exit.INVALID, "manifest.json", what)

    def _record(self, located: Located) -> None:
        index = self.heads.size
        where = f"{located.where} (record {index + 1})"
        self.heads.add(located.data)
        try:
            found = record.parse_record(located.data)
        except Malformed as error:
            raise Malformed(f"{where}, {error.where}", error.why) from None
        if found.seq != index + 1:
            what = f"it is record {found.seq} of its log: one is missing, doubled or moved"
            self.findings.find(Exit.INVALID, where, what)
        if found.partner != self.export.partner:
            what = f"a record of {found.partner} in the log of another partner"
            self.findings.find(Exit.INVALID, where, what)
        if found.at_ms < self.newest_ms - CLOCK_SKEW_MS_MAX:
            what = "dated well before the record that it follows"
            self.findings.find(Exit.VERIFIED, where, what)
        self.newest_ms = max(self.newest_ms, found.at_ms)

    def verdict(self) -> Verdict:
        last, matched = self.heads.last, self.heads.matched
        if not self.key_known:
            what = "the key comes from the export itself; nothing outside it vouches for it"
            self.findings.find(Exit.UNWITNESSED, "keys", what)
        elif not matched:
            what = "you hold no checkpoint of this log from before, so it could have been rewritten"
            self.findings.find(Exit.UNWITNESSED, "checkpoints", what)
        elif matched < self.heads.size:
            what = f"the checkpoint that you hold covers the first {matched} records"
            self.findings.find(Exit.VERIFIED, "checkpoints", what)
        return Verdict(
            exit_code=self.findings.worst,
            findings=tuple(self.findings.items),
            origin=self.export.origin,
            entries=self.heads.size,
            checkpoints=self.heads.seen,
            size=last.size if last else 0,
            root=last.root if last else b"",
        )


def _installation(origin: str) -> str | None:
    match = _ORIGIN.fullmatch(origin)
    return None if match is None else match[1]
