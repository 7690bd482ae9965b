"""What the checks of accounts let out of a host: names, never a hash, and nothing that is scrubbed."""

from pathlib import Path

import pytest

from tests.unit.agent import host_trees
from wardline.agent.checks import check
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.scrub.scrubber import Scrubber
from wardline.core import canonical, clock
from wardline.core.evidence.bundle import Outcome

HASH = "$y$j9T$Zq0kGfY2m5Vb1xW8$1Jb7sGmQk4cVt9hNn2rXy0DzLw6uEo3pAiRfTgHjKl5"
OLD_HASH = "ab1kYz0Qw9xTc"
PASSWD = f"lab::1001:0:::\nold:{HASH}:0:0:::\n{HASH}:x:0:0:::\n{HASH}::0:0:::\n"
SHADOW = (
    f"root:{HASH}:1::::::\nfrontdesk::1::::::\n{HASH}::1::::::\n:{HASH}:1::::::\nx:{OLD_HASH}:1:\n"
)


@pytest.mark.parametrize("name", ["empty_passwords", "uid0_accounts"])
def test_names_leave_the_host_and_hashes_do_not(name: str, tmp_path: Path) -> None:
    root = host_trees.clinic(tmp_path / "host")
    host_trees.change(root, {"append": {"etc/passwd": PASSWD}, "files": {"etc/shadow": SHADOW}})
    host = TreeHost("host", "host", str(root))
    result = check.measure(check.registry()[name], host, clock.system)
    assert result.outcome is Outcome.FAIL
    said = result.summary + canonical.dumps(dict(result.facts)).decode()
    for secret in (HASH, OLD_HASH):
        assert secret not in said
        assert secret[5:12] not in said
    assert Scrubber.ephemeral().result(result) == result, "a name would be taken for a secret"
    wanted = {"empty_passwords": ["frontdesk", "lab"], "uid0_accounts": ["old"]}
    assert set(wanted[name]) <= set(result.facts["failing"])
