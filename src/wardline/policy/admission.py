"""What a rule may name, wherever it is stored: an action, a partner."""

from collections.abc import Collection, Sequence

from wardline.core.policy import parse
from wardline.core.policy.rule import ANY_ACTION, Rule
from wardline.policy.store import RuleInvalid

NO_ACTION = "no action is registered under this id"


def check(rule: Rule, *, actions: Collection[str] | None, partner: str | None) -> None:
    """Raises RuleInvalid for what the rule names and there is not. `actions` None: any text is
    one. `partner` None: the store belongs to none."""
    if found := problems(rule, actions, partner):
        raise RuleInvalid(found)


def check_all(
    rules: Sequence[Rule], *, actions: Collection[str] | None, partner: str | None
) -> None:
    """`check` of each, told by its place in `rules`."""
    found = [
        problem
        for position, rule in enumerate(rules)
        for problem in parse.nested(f"rules[{position}]", problems(rule, actions, partner))
    ]
    if found:
        raise RuleInvalid(found)


def problems(
    rule: Rule, actions: Collection[str] | None, partner: str | None
) -> list[tuple[str, str]]:
    """(path, reason) of everything that one rule names and there is not."""
    found = []
    if actions is not None and rule.action != ANY_ACTION and rule.action not in actions:
        found.append(("action", NO_ACTION))
    if rule.scope.partner not in (None, partner):
        whose = "may name only your own partner" if partner else "there are no partners here"
        found.append(("scope.partner", whose))
    return found
