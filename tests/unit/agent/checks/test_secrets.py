"""What the checks let out of a host: names, never a hash, a key or a password of any file."""

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


MARK = "zQ7xKw9mVb3t"
PUBLIC_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIL0rLTmDAhk0kXCkBrPEfUNcGXJ0BpmlOiznr4v2mYDd"
PLANTED = {
    "etc/apt/sources.list": f"deb [trusted=yes] http://clinic:{MARK}@vendor.example/apt x main\n",
    "etc/apt/auth.conf.d/90ubuntu-advantage": f"machine esm.ubuntu.com login bearer password {MARK}\n",
    "etc/redis/redis.conf": f"bind 0.0.0.0\nrequirepass {MARK}\n",
    "etc/mysql/my.cnf": f"[client]\npassword={MARK}\n[mysqld]\nskip-grant-tables\n",
    "etc/postgresql/15/main/pg_hba.conf": f"host all all all ldap ldapbindpasswd={MARK}\n",
    "etc/samba/smb.conf": f"[global]\nmap to guest = bad user\n[a]\nguest ok = yes\ncomment = {MARK}\n",
    "usr/lib/systemd/system/smbd.service": "[Service]\n",
    "etc/sudoers": f'"{MARK} {MARK}" ALL=NOPASSWD: /opt/x --password={MARK}\n',
    "etc/cron.d/job": f"0 1 * * * root /opt/job --token {MARK}\n",
    "opt/job": "#!/bin/sh\n",
    "etc/restic/password": f"{MARK}\n",
    "root/.ssh/authorized_keys": f"ssh-ed25519 {PUBLIC_KEY} {MARK}@clinic.example\n",
    "etc/profile.d/timeout.sh": f"export API_TOKEN={MARK} TMOUT\n",
    "srv/records/canary.txt": f"{MARK}\n",
}


def test_no_password_key_or_comment_of_a_file_leaves_the_host(tmp_path: Path) -> None:
    root = host_trees.clinic(tmp_path / "host")
    host_trees.change(root, {"files": PLANTED, "modes": {"opt/job": "0777"}})
    host = TreeHost("host", "host", str(root))
    failed = set()
    for one in check.registry().values():
        result = check.measure(one, host, clock.system)
        said = result.summary + canonical.dumps(dict(result.facts)).decode()
        assert MARK not in said, one.manifest.id
        assert PUBLIC_KEY[10:30] not in said, one.manifest.id
        if result.outcome is Outcome.FAIL:
            failed.add(one.manifest.id)
    assert failed >= {
        "backup_restore",
        "database_access",
        "file_sharing",
        "package_sources",
        "scheduled_jobs",
        "session_timeout",
        "ssh_keys",
        "sudo_config",
    }
