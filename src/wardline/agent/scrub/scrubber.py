"""Scrubs one text, one value, one record: what is found becomes a mark, everything else stays.

All rules look at the same view of a text (`folding`), and what they find is replaced at once, the
earlier rule's kind where two overlap. That is done until nothing more is found, so that scrubbing
twice is scrubbing once; a text that never settles is withheld as a whole. Marks are never looked
into.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NewType

from wardline.agent.scrub import (
    folding,
    mail_addresses,
    persons,
    secret_forms,
    secret_words,
    spans,
    street_addresses,
)
from wardline.agent.scrub.marks import CUT_MARK, MARK, Kind, Marker
from wardline.agent.scrub.patient_names import PatientNames
from wardline.agent.scrub.rules import Rule, view
from wardline.agent.scrub.spans import Place, Span
from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, IncidentRecord, Result
from wardline.core.incidents import fitting
from wardline.core.incidents.incident import Incident

RULES: tuple[Rule, ...] = (
    *secret_forms.RULES,
    *secret_words.RULES,
    *persons.RULES,
    *street_addresses.RULES,
)
# Flat, for most texts have none of them: what a rule needs, and which rule that is.
_ANCHORS = tuple((anchor, at) for at, rule in enumerate(RULES) for anchor in rule.anchors)
_SHAPES = tuple((shape, at) for at, rule in enumerate(RULES) for shape in rule.shapes)
_ALWAYS = frozenset(at for at, rule in enumerate(RULES) if not (rule.anchors or rule.shapes))
TEXT_CHARS_MAX = 1 << 20
PASSES_MAX = 8
HARMLESS_MAX = 2048
HARMLESS_CHARS_MAX = 64
HOST_NAME_CHARS_MAX = 255
CUT = "[cut]"
_NOTHING = "\x7f"
_QUOTES = "\"'"
# Ids, times and digests, which are new with every row and no rule finds anything in.
_OURS = re.compile(
    r"[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z|[0-9a-f]{64}"
)
# The last word before a cut may be half an identifier.
_CUT_WORD = re.compile(r"(?<!\S)(?=[^\s…]{0,200}[\d@=:])[^\s…]{1,200}…\Z")
_CUT_FROM_CHARS = 100
# A value may be known by the key it stands under.
_TELLING_KEY = re.compile(
    r"pass|pwd|pw|psk|secret|credential|token|key|community|bearer|cookie|ssn|soc|itin|mrn|record|patient"
    r"|chart|dob|birth|born|npi|dea|member|subscriber|insur|medic|policy|tel|phone|mobile|cell|fax"
    r"|addr",
    re.IGNORECASE,
)
_KEY_CHARS_MAX = 64
_KEYS_MAX = 512

Clean = NewType("Clean", str)


class Scrubber:
    """Scrubs under one appliance's key and its list of patients' names."""

    def __init__(self, marker: Marker, names: PatientNames | None = None) -> None:
        self._marker = marker
        self._names = names or PatientNames.none()
        # Short texts that were found to hold nothing: the same words come again with every result,
        # on their way into each table. Emptied when full.
        self._harmless: set[str] = set()
        self._edition = self._names.edition

    @classmethod
    def ephemeral(cls) -> "Scrubber":
        """For a process that keeps nothing: its marks compare with no other's."""
        return cls(Marker.ephemeral())

    def refresh(self) -> None:
        """Take in a list of names that was changed meanwhile."""
        self._names.refresh()
        if self._names.edition != self._edition:
            self._edition = self._names.edition
            self._harmless.clear()

    def text(self, raw: str) -> Clean:
        """`raw` with what was found replaced by marks; longer than TEXT_CHARS_MAX it is cut."""
        if raw in self._harmless or (len(raw) <= HARMLESS_CHARS_MAX and _OURS.fullmatch(raw)):
            return Clean(raw)
        clean = self._settled(_whole(_bounded(raw)))
        if clean == raw and len(raw) <= HARMLESS_CHARS_MAX:
            if len(self._harmless) >= HARMLESS_MAX:
                self._harmless.clear()
            self._harmless.add(raw)
        return Clean(clean)

    def host_name(self, raw: str) -> Clean:
        """As `text`, of a text that is a host's name and nothing else."""
        return self.short(self._names.in_host_name(raw, self._marker), HOST_NAME_CHARS_MAX)

    def value(self, raw: Json) -> Json:
        """A JSON value with every text in it scrubbed, keys too: a host may have named them."""
        if isinstance(raw, str):
            return self.text(raw)
        if isinstance(raw, Mapping):
            return {self.text(key): self._under(key, item) for key, item in raw.items()}
        if isinstance(raw, list | tuple):
            return [self.value(item) for item in raw]
        return raw

    def _under(self, key: str, item: Json) -> Json:
        """An item whose key says what it is."""
        if not isinstance(item, str) or not _is_telling(key):
            return self.value(item)
        clean, led = self.text(item), f"{key}: "
        if clean != item or MARK.fullmatch(item):
            return clean
        told = self.text(f"{led}{item}")
        return told.removeprefix(led) if told.startswith(led) else clean

    def result(self, raw: Result) -> Result:
        """A scrubbed result. The digest is that of these facts; where none of them had to change,
        it is left as it was, for a heartbeat may name the digest of facts that it leaves out."""
        facts = self.value(raw.facts)
        same = facts == raw.facts
        return replace(
            raw,
            summary=self.within(raw.summary, bundle.SUMMARY_BYTES_MAX),
            facts=facts,
            facts_digest=raw.facts_digest if same else canonical.digest(facts),
        )

    def action(self, raw: Action) -> Action:
        """An action whose every text is scrubbed, and still as short as evidence wants it."""
        error = raw.error
        return replace(
            raw,
            step=self.within(raw.step, bundle.TITLE_BYTES_MAX),
            target=self.within(raw.target, bundle.TARGET_BYTES_MAX),
            output=self.within(raw.output, bundle.OUTPUT_BYTES_MAX),
            diff=self.within(raw.diff, bundle.DIFF_BYTES_MAX),
            error=None if error is None else self.within(error, bundle.ERROR_BYTES_MAX),
        )

    def record(self, raw: IncidentRecord) -> IncidentRecord:
        """A scrubbed record, still within what one record may hold."""
        return replace(
            raw,
            before=self.result(raw.before),
            after=None if raw.after is None else self.result(raw.after),
            decision=self.value(raw.decision),
            actions=fitting.within(tuple(self.action(one) for one in raw.actions)),
        )

    def incident(self, raw: Incident) -> Incident:
        """As `record`, of the incident as the appliance keeps it."""
        return replace(
            raw,
            before=self.result(raw.before),
            after=None if raw.after is None else self.result(raw.after),
            decision=self.value(raw.decision),
            actions=tuple(self.action(one) for one in raw.actions),
        )

    def within(self, raw: str, bytes_max: int) -> Clean:
        """`text` in at most `bytes_max` bytes of UTF-8: a mark may be longer than its value."""
        return self._cut(
            raw,
            lambda text: text.encode("utf-8", "ignore")[:bytes_max].decode("utf-8", "ignore"),
        )

    def short(self, raw: str, chars_max: int) -> Clean:
        """`text` in at most `chars_max` characters."""
        return self._cut(raw, lambda text: text[:chars_max])

    def _cut(self, raw: str, cut: Callable[[str], str]) -> Clean:
        """Cut between words: what a cut leaves of one may look like something else."""
        clean = self.text(raw)
        for _ in range(PASSES_MAX):
            kept = cut(clean)
            if kept == clean:
                return clean
            kept = CUT_MARK.sub("", kept)
            whole = len(kept) - spans.word_at_end(kept)
            clean = self.text(kept[: whole or len(kept)])
        return Clean(self._marker.mark(Kind.TEXT, raw))

    def _settled(self, raw: str) -> str:
        text, changed = self._pass(raw)
        for _ in range(PASSES_MAX):
            if not changed:
                return text
            text, changed = self._again(text, changed)
        return self._marker.mark(Kind.TEXT, raw)

    def _again(self, text: str, changed: list[Place]) -> tuple[str, list[Place]]:
        """One more pass where something changed; elsewhere it would find what the last one did."""
        pieces: list[str] = []
        places: list[Place] = []
        done = length = 0
        for start, end in spans.lines_about(text, changed):
            clean, found = self._pass(text[start:end])
            length += start - done
            places += [(length + first, length + last) for first, last in found]
            pieces += (text[done:start], clean)
            length += len(clean)
            done = end
        return "".join((*pieces, text[done:])), places

    def _pass(self, raw: str) -> tuple[str, list[Place]]:
        """A text with what was found replaced, and the places of the new marks in it."""
        folded = folding.fold(raw)
        marks = [mark.span() for mark in MARK.finditer(folded.text)] if "[" in folded.text else []
        text = MARK.sub(_blinded, folded.text) if marks else folded.text
        found = [*_key_ends(text), *_found(text), *self._names.found(text)]
        if marks:
            found = [piece for span in found for piece in spans.outside(marks, span, text)]
        pieces: list[str] = []
        places: list[Place] = []
        done = length = 0
        for start, end, kind, value in spans.apart(found, folded.text):
            first, last = folded.span(start, end)
            mark = self._marker.mark(kind, value)
            length += first - done
            places.append((length, length + len(mark)))
            pieces += (raw[done:first], mark)
            length += len(mark)
            done = last
        return ("".join((*pieces, raw[done:])), places) if places else (raw, places)


@lru_cache(_KEYS_MAX)
def _is_telling(key: str) -> bool:
    return len(key) <= _KEY_CHARS_MAX and _TELLING_KEY.search(key) is not None


def _bounded(raw: str) -> str:
    if len(raw) <= TEXT_CHARS_MAX:
        return raw
    kept = raw[: TEXT_CHARS_MAX - len(CUT)]
    return kept[: len(kept) - spans.word_at_end(kept)] + CUT


def _whole(raw: str) -> str:
    """Without what an ellipsis left of an identifier at the end."""
    if len(raw) < _CUT_FROM_CHARS or not raw.endswith("…"):
        return raw
    return _CUT_WORD.sub("…", raw)


def _found(text: str) -> Iterable[Span]:
    seen = view(text)
    hit = {at for anchor, at in _ANCHORS if anchor in seen.lower}
    hit |= {at for shape, at in _SHAPES if shape in seen.shape}
    for at in sorted(hit | _ALWAYS):
        rule = RULES[at]
        for match, value in rule.found(seen):
            start, end = match.span("v")
            if end - start > 2 and text[start] in _QUOTES and text[end - 1] == text[start]:
                start, end = start + 1, end - 1
            yield start, end, rule.kind, text[start:end] if rule.exact else value
    yield from mail_addresses.found(text)


def _key_ends(text: str) -> Iterable[Span]:
    """The lines of a private key whose beginning was cut away, its end included."""
    if "PRIVATE KEY" not in text or not secret_forms.KEY_END.search(text):
        return
    begun = [found.span() for found in secret_forms.PRIVATE_KEY.finditer(text)]
    for found in secret_forms.KEY_END.finditer(text):
        while begun and begun[0][1] < found.end():
            begun.pop(0)
        if begun and begun[0][0] < found.start():
            continue
        start = _first_key_line(text, text.rfind("\n", 0, found.start()) + 1)
        yield start, found.end(), Kind.PRIVATE_KEY, text[start : found.end()]


def _first_key_line(text: str, start: int) -> int:
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not secret_forms.KEY_LINE.fullmatch(text, above, start - 1):
            return start
        start = above
    return start


def _blinded(mark: re.Match[str]) -> str:
    """A mark with nothing in it that a rule could take for a name or a value."""
    return f"[{_NOTHING * (len(mark[0]) - 2)}]"
