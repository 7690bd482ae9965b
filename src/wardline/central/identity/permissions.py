"""What a role may do: the one table."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    OPERATOR = "operator"
    READER = "reader"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route asks of its caller; the last two are for callers who are not people."""

    VIEW = "view"
    EVIDENCE = "evidence"
    AUDIT = "audit"  # who did what: search it, export it
    SITES = "sites"
    HEALING = "healing"
    FREEZE = "freeze"  # stop everything of a site or of the partner, and let it go on
    ORDERS = "orders"  # start what the policy offers, clear a hold, cancel what was not fetched
    APPROVALS = "approvals"
    DEVIATIONS = "deviations"  # accept a failing state until a date, renew that, revoke it
    POLICY_READ = "policy.read"
    POLICY_DECIDE = "policy.decide"  # decisions that count, and what becomes of them
    POLICY_WRITE = "policy.write"
    POLICY_ADMIN = "policy.admin"  # all rules at once: export, backup, restore
    ACCOUNT = "account"  # one's own session and password
    PUBLIC = "public"
    APPLIANCE = "appliance"


_READER = frozenset({Permission.ACCOUNT, Permission.VIEW, Permission.POLICY_READ})
_AUDITOR = _READER | {Permission.EVIDENCE}
_OPERATOR = _AUDITOR | {Permission.ORDERS, Permission.POLICY_DECIDE}
_MANAGER = _OPERATOR | {
    Permission.AUDIT,
    Permission.SITES,
    Permission.HEALING,
    Permission.FREEZE,
    Permission.APPROVALS,
    Permission.DEVIATIONS,
    Permission.POLICY_WRITE,
}

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.READER: _READER,
    Role.AUDITOR: _AUDITOR | {Permission.AUDIT},
    Role.OPERATOR: _OPERATOR,
    Role.MANAGER: _MANAGER,
    Role.OWNER: _MANAGER | {Permission.POLICY_ADMIN},
}

# What each role is called in the policy's contract, where rules name who may approve.
POLICY_ROLES: dict[Role, str] = {
    Role.OWNER: "admin",
    Role.MANAGER: "manager",
    Role.OPERATOR: "reader",
    Role.READER: "reader",
    Role.AUDITOR: "reader",
}
