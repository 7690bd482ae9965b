"""Whose voices a run takes: the rule that asks and the broader ones whose approval binds it too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardline.central.orders.wanted import Wanted
from wardline.core.orders import Person
from wardline.core.policy.rule import Approval, Effect, Rule


@dataclass(frozen=True, slots=True)
class Need:
    """What one rule asks for; `roles` None means anybody who may approve at all."""

    rule_id: str
    roles: tuple[str, ...] | None
    quorum: int
    self_approve: bool
    expires_minutes: int | None

    def admits(self, person: Person, requested_by: str | None) -> bool:
        """Whether this person's voice counts here: of the right role, and not of who asked."""
        if self.roles is not None and not set(self.roles).intersection(person.roles):
            return False
        return self.self_approve or person.user_id != requested_by


def of(wanted: Wanted, rules: Iterable[Rule]) -> tuple[Need, ...]:
    """The needs of a run, its own rule's first, from the rules in force of its check.

    Which roles the own rule asks for stands in the appliance's decision. A floor that might bind
    counts: whoever is asked once too often is a lesser evil than a run that is refused at its end.
    """
    own, floors = Approval(), []
    for rule in rules:
        if rule.id == wanted.run.rule_id:
            own = rule.approval or own
        elif _may_bind(rule, wanted):
            floors.append(_need(rule.id, rule.approval or Approval()))
    first = Need(
        wanted.run.rule_id, wanted.roles, own.quorum, own.self_approve, own.expires_minutes
    )
    return (first, *floors)


def unmet(
    needs: Sequence[Need], voices: Sequence[Person], requested_by: str | None
) -> tuple[Need, ...]:
    """The needs that fewer distinct people have consented to than they ask for."""
    return tuple(
        need
        for need in needs
        if len({one.user_id for one in voices if need.admits(one, requested_by)}) < need.quorum
    )


def to_json(need: Need) -> dict[str, Any]:
    return {
        "rule_id": need.rule_id,
        "roles": None if need.roles is None else list(need.roles),
        "quorum": need.quorum,
        "self_approve": need.self_approve,
        "expires_minutes": need.expires_minutes,
    }


def from_json(stored: Mapping[str, Any]) -> Need:
    roles = stored["roles"]
    return Need(**{**stored, "roles": None if roles is None else tuple(roles)})


def _need(rule_id: str, spec: Approval) -> Need:
    return Need(rule_id, spec.roles, spec.quorum, spec.self_approve, spec.expires_minutes)


def _may_bind(rule: Rule, wanted: Wanted) -> bool:
    asks = rule.floor and rule.enabled and rule.effect is Effect.ALLOW
    if not asks or rule.approval is None or not rule.approval.required:
        return False
    scope = rule.scope
    return scope.site in (None, wanted.of.site_id) and scope.host in (None, wanted.of.host_id)
