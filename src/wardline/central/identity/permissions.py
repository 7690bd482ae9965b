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
    SITES = "sites"
    HEALING = "healing"
    POLICY_READ = "policy.read"
    POLICY_WRITE = "policy.write"
    POLICY_ADMIN = "policy.admin"  # all rules at once: export, backup, restore
    ACCOUNT = "account"  # one's own session and password
    PUBLIC = "public"
    APPLIANCE = "appliance"


_READER = frozenset({Permission.ACCOUNT, Permission.VIEW, Permission.POLICY_READ})
_AUDITOR = _READER | {Permission.EVIDENCE}
_MANAGER = _AUDITOR | {Permission.SITES, Permission.HEALING, Permission.POLICY_WRITE}

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.READER: _READER,
    Role.AUDITOR: _AUDITOR,
    Role.OPERATOR: _AUDITOR,
    Role.MANAGER: _MANAGER,
    Role.OWNER: _MANAGER | {Permission.POLICY_ADMIN},
}
