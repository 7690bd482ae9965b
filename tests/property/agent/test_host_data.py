"""Whatever stands in the files of a host, a check has an outcome and, if unknown, a reason."""

import copy
import gzip
import json
import lzma
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.agent.examples import examples
from tests.property.agent.memory_host import MemoryHost
from wardline.agent.checks import check
from wardline.agent.hosts.host import Kind, Space
from wardline.agent.runbooks.config_lines import Edit, Line, Placement, Syntax
from wardline.core import canonical, clock
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import signature
from wardline.demo import trees

LISTS = "/var/lib/apt/lists"
DEBIAN = f"{LISTS}/deb.debian.org_debian_dists_bookworm"
# Each file that a check parses, and the words its syntax is made of.
PARSED = {
    "/etc/ssh/sshd_config": "Match Include PermitRootLogin MaxAuthTries all User yes no = \" ' \\ # *",
    "/etc/ssh/sshd_config.d/10-logging.conf": "Match Ciphers +aes128-cbc LoginGraceTime 1h30m 2 =",
    "/etc/login.defs": 'PASS_MAX_DAYS PASS_MIN_DAYS ENCRYPT_METHOD 99999 -1 MD5 " #',
    "/etc/security/pwquality.conf": "minlen minclass dcredit = 14 -1 9999999999 # retry",
    "/etc/security/faillock.conf": "deny unlock_time = never 0 99 #",
    "/etc/pam.d/common-auth": "auth -auth [ ] success=1 include substack @include \\ pam_faillock.so",
    "/etc/pam.d/common-password": "password pam_pwquality.so minlen= minlen=x [a b] @include passwd",
    "/etc/sysctl.conf": "kernel.kptr_restrict net/ipv4/conf/*/rp_filter = - # ; 0 1 * [ ? .",
    "/etc/group": "root:x:0: :x:99999999999: shadow:x:42: : +:::",
    "/etc/apt/apt.conf.d/20auto-upgrades": 'APT::Periodic { } ; " "1" // /* */ #clear #include ::',
    "/var/lib/dpkg/status": "Package: Version: Architecture: Status: install ok installed a 1:2-3 \n",
    f"{DEBIAN}_InRelease": "Label: Suite: NotAutomatic: yes Debian-Security Codename: -security",
    "/etc/passwd": "root:x:0:0::: +:::: -a a::0: :: $6$salt$abcdefghijkl:x:0:0 # b:x:-0 c:x:+00:0:",
    "/etc/shadow": "root:*: frontdesk:: +:: :$6$salt$abcdefghijkl: a:!: # :: b::20000::::::",
    "/etc/issue": "Authorized only \\m \\r \\S{NAME} \\ Debian \\\\v monitored",
    "/etc/issue.net": "Authorized only \\m \\r Ubuntu debian monitored",
    "/etc/clamav/freshclam.conf": "Checks DatabaseDirectory Example 0 24 -1 / /var/lib/clamav /.. #",
    "/var/lib/clamav/daily.cld": "ClamAV-VDB:01 Jan Foo 2026 00-00 +0000:1 -9999:1 31 Feb 9999 0001",
    f"{DEBIAN}_main_binary-amd64_Packages": "Package: bash Version: 9:1~ Architecture: amd64 all",
    "/etc/ufw/ufw.conf": "ENABLED= =yes ENABLED=yes ' \" # LOGLEVEL",
    "/etc/default/ufw": "IPV6=yes DEFAULT_INPUT_POLICY= =DROP =ACCEPT ' \" #",
    "/etc/fstab": "/ /srv swap none /dev/sda1 /dev/mapper/a-b UUID=1 ext4 zfs \\040 noauto # ,",
    "/etc/crypttab": "root_crypt data_crypt UUID=1 none luks # a-b ..",
    "/etc/audit/auditd.conf": "write_logs max_log_file_action local_events = no ROTATE #",
    "/etc/audit/rules.d/50-clinic.rules": "-w -a -A -e -D -p wa -F path=/etc dir= always,exit never,task 0 -C",
    "/etc/chrony/chrony.conf": "pool server include confdir /etc/chrony/* ntp.example ! # 127.0.0.1",
    "/etc/wardline/backup.toml": '[[backup]] name = "a" kind "restic" path "/srv" max_age_hours 1 [ { } # \'\'\'',
}
PARSED |= {
    "/etc/os-release": "ID=debian ID=ubuntu VERSION_ID= =\"12\" VERSION_ID='22.04' $(id) ` \" '",
    "/etc/profile.d/timeout.sh": 'TMOUT= TMOUT=900 TMOUT="-1" readonly export -x ; unset then # 99999999999',
    "/etc/sudoers": 'root ALL=(ALL:ALL) ALL NOPASSWD: %sudo = , \\ @include /etc/sudoers @includedir Defaults !authenticate timestamp_timeout=1e9 timestamp_timeout=-1.5 User_Alias # " ( )',
    "/etc/sudoers.d/README": 'a b=NOPASSWD: ALL,PASSWD: /bin/ls SETENV: TIMEOUT=1 ( ) " \\, = @include x%h',
    "/home/frontdesk/.ssh/authorized_keys": 'from="a,b" command="x \\" ssh-rsa ssh-dss ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAAw== ==== sk-ssh-ed25519@openssh.com #',
    "/etc/crontab": "* @daily @reboot 0-59/5 root 0 /bin/sh ; && > >/tmp/x MAILTO= = % /etc/../etc/passwd",
    "/etc/security/limits.d/10-cores.conf": "* hard soft - core 0 unlimited # @group 1:2",
    "/etc/modprobe.d/clinic.conf": "install blacklist usb-storage usb_storage /bin/false /bin/true ; #",
    "/etc/logrotate.conf": 'include /etc/logrotate.d /etc/logrotate.conf weekly daily rotate maxage 26 -1 999999 { } postrotate endscript /var/log/* " #',
    "/etc/logrotate.d/rsyslog": "/var/log/syslog /var/log/[ { } weekly rotate 0 hourly postrotate endscript ' maxage x",
    "/etc/apt/sources.list.d/debian.sources": "Types: URIs: https://u:p@h/x Trusted: yes Signed-By: Enabled: no : # - \t",
    "/srv/records/canary.txt": "This file never changes. x",
}
# Files that a healthy host of the clinic has not, and services that would read them.
ADDED = {
    "/etc/inetd.conf": "telnet ftp 127.0.0.1:finger stream tcp nowait root # : 23 \t",
    "/etc/snmp/snmpd.conf": 'rocommunity rwcommunity com2sec -Cn public private " # rouser',
    "/etc/nginx/nginx.conf": "ssl_certificate ; { } # /etc/ssl/a.pem $name a.pem \" ' data:x \n",
    "/etc/postfix/main.cf": "smtpd_tls_cert_file smtpd_tls_chain_files = , /etc/ssl/a.pem #",
    "/etc/ssl/a.pem": "-----BEGIN CERTIFICATE----- -----END CERTIFICATE----- MIIB AAAA = \n",
    "/etc/wardline/ports.toml": '[[allow]] port = 22 why "x" protocol \n [ ] { } 1e9 \' . "udp"',
    "/etc/apt/sources.list": "deb deb-src [ ] trusted=yes signed-by= http://x cdrom: main # allow-insecure=yes",
    "/etc/yum.repos.d/x.repo": "[a] [main gpgcheck=0 gpgcheck = 1 enabled=0 sslverify=no ; # ]",
    "/etc/samba/smb.conf": "[global] [a ] guest ok = yes public=yes map to guest=bad server min protocol = NT1 = ; # writable",
    "/etc/exports": '/srv "/a b" * *(rw) (ro,no_root_squash) -sec=krb5 192.0.2.0/24( \\ # ) sec=krb5p',
    "/etc/postgresql/15/main/pg_hba.conf": 'local host hostssl all 0.0.0.0/0 ::1/128 255.0.0.0 trust peer password " include samenet # :',
    "/etc/mysql/my.cnf": "[mysqld] [client skip-grant-tables skip_grant_tables = 0 # ; !includedir",
    "/etc/redis/redis.conf": 'bind 127.0.0.1 -::1 protected-mode no requirepass "" user # "',
    "/etc/mongod.conf": "net: bindIp: 0.0.0.0 security: authorization: enabled auth = true : - # bindIpAll: true",
    "/etc/selinux/config": "SELINUX= SELINUX=enforcing =permissive disabled # SELINUXTYPE=targeted",
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX="apparmor=0" selinux=0 enforcing=0 \' # =',
    "/etc/dconf/db/local.d/00-x": "[org/gnome/desktop/session] idle-delay=uint32 0 9999999999 [org/gnome/desktop/screensaver] lock-enabled=false # '",
    "/etc/systemd/logind.conf": "[Login] StopIdleSessionSec= =15min StopIdleSessionSec=1h infinity \\ # ; 1 2",
    "/etc/systemd/coredump.conf": "[Coredump] Storage= Storage=none =external \\ # ;",
    "/var/spool/cron/crontabs/root": "* @daily 0 /bin/sh ; > < 2>&1 aide --check #",
    "/var/ossec/etc/ossec.conf": "<syscheck> </syscheck> <disabled> yes </disabled> <!-- -->",
    "/etc/xrdp/xrdp.ini": "[Globals] [ port=3389 port=tcp://.:3389 port= vsock://-1:3389 /run/x ; #",
    "/etc/systemd/system/x11vnc.service": "[Service] ExecStart= ExecStart=/usr/bin/x11vnc -localhost \\ # ;",
    "/sys/kernel/security/apparmor/profiles": "a (enforce) b (complain) ( ) (enforce (kill)",
    "/sys/module/apparmor/parameters/enabled": "Y N",
    "/proc/cmdline": "ro quiet apparmor=0 selinux=0 enforcing=0 ' \"",
    "/proc/sys/kernel/core_pattern": "core | |/bin/false |/usr/lib/systemd/systemd-coredump |/usr/share/apport/apport %p /",
    "/proc/net/tcp": "local_address 0: 00000000:0016 00000000:0000 0A 01 1001 FFFFFFFF:FFFF \n",
    "/proc/net/udp6": "local_address 0: 00000000000000000000000001000000:0045 07 0 1001 \n",
}
PARSED |= ADDED
RUNNING = {
    f"unit_state:{unit}": b"LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n"
    for unit in ("inetd.service", "snmpd.service")
}
PRESENT = {
    "/usr/lib/systemd/system/inetd.service": b"[Service]\n",
    "/usr/lib/systemd/system/snmpd.service": b"[Service]\n",
    "/etc/nginx/nginx.conf": b"ssl_certificate /etc/ssl/a.pem;\n",
    "/proc/net/tcp": b"local_address\n",
    "/usr/lib/systemd/system/smbd.service": b"[Service]\n",
    "/usr/lib/systemd/system/nfs-server.service": b"[Service]\n",
    "/usr/lib/systemd/system/gdm.service": b"[Service]\n",
    "/etc/systemd/system/multi-user.target.wants/xrdp.service": b"",
    "/etc/systemd/system/multi-user.target.wants/x11vnc.service": b"",
    "/sys/module/apparmor/parameters/enabled": b"Y\n",
    "/proc/sys/kernel/core_pattern": b"core\n",
    "/proc/net/udp": b"local_address\n",
}
# What a check parses on other hosts than the clinic's, and as which file of which service.
ELSEWHERE = {
    "/etc/nftables.conf": 'table inet f { chain in { type filter hook input ; } policy drop ; \n vmap : , ct state new accept include "x" define $x = add rule flush ruleset limit rate 1/second log jump in',
    "/etc/iptables/rules.v4": '*filter :INPUT DROP -A INPUT -j ACCEPT RETURN ! -s 0.0.0.0/0 -p tcp --dport 1:65535 -g x " COMMIT',
    "/etc/ufw/user.rules": '*filter :ufw-user-input - -A ufw-user-input -j ACCEPT -m limit --limit 1/s COMMIT "',
    "/etc/firewalld/firewalld.conf": "DefaultZone= =public DefaultZone=trusted DefaultZone=../x #",
    "/etc/firewalld/zones/public.xml": '<zone target="ACCEPT" > </zone> <interface name="eth0"/> <!-- & <!ENTITY',
    "/etc/systemd/timesyncd.conf": "[Time] NTP= FallbackNTP= = a.example # ; [ \\",
    "/etc/systemd/journald.conf": "[Journal] Storage= =volatile Storage=persistent # ; [ \\",
    "/etc/ntp.conf": "server pool -4 127.127.1.0 includefile /etc/ntp.conf #",
    "/etc/openntpd/ntpd.conf": "server servers sensor * #",
    "/etc/rsyslog.conf": '*.* @ @@ @host action(type="omfwd" target="x") # $',
    "/etc/lvm/backup/clinic": 'device = "/dev/mapper/root_crypt" pv0 { } #',
    "/proc/mounts": "/dev/dm-0 / ext4 zfs btrfs overlay rw 0 /dev/mapper/x proc \\040 /boot",
    "/proc/swaps": "/dev/dm-0 partition file /swap 0 Filename",
    "/sys/class/block/dm-0/dm/uuid": "CRYPT-LUKS2- CRYPT-VERITY- LVM- -",
    "/sys/class/block/dm-0/dm/name": "x clinic-images root_crypt /",
    "/proc/net/if_inet6": "fe80 01 lo 0",
}
SERVICES = ("nftables", "netfilter-persistent", "firewalld", "ntp", "openntpd", "systemd-timesyncd")
ANSWERS = {
    "nft_rules": '{ "nftables": [ ] } "chain" : , "rule" null "expr" 1',
    "iptables_rules": "*filter :INPUT DROP ACCEPT -A INPUT -j -i eth0 COMMIT",
    "ip6tables_rules": "*filter :INPUT DROP ACCEPT -A INPUT -j -g -p all COMMIT",
    "audit_status": "enabled pid lost 0 1 2",
    "audit_rules": "No rules -w /etc/passwd -p wa -a never,exit -F path=/etc",
    "time_status": "NTPSynchronized=yes NTPSynchronized=no NTPSynchronized = NTP=yes",
    "zfs_encryption": "rpool \t off aes-256-gcm -",
    "unit_state:ufw.service": "ActiveState=active ActiveState=inactive = LoadState",
    "restic_restore": "This file never changes. It is restored",
    "unit_state:auditd.service": "ActiveState=active ActiveState=failed =",
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tar.xz": lzma.compress,
}
RECORDED = Path(__file__).parents[2] / "data/recorded"
NODES = (
    None,
    True,
    0,
    -1.5,
    "x",
    "",
    [],
    {},
    [[]],
    {"set": [1]},
    [["x", {"jump": None}]],
    {"xt": 1},
)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("healthy")
    trees.build(root, "reception-pc")
    files = (path for path in root.rglob("*") if path.is_file())
    return {f"/{path.relative_to(root)}": path.read_bytes() for path in files} | PRESENT


@pytest.fixture(scope="module")
def elsewhere(healthy: dict[str, bytes]) -> dict[str, bytes]:
    """The same host with every other service that a check knows, each enabled."""
    files = dict(healthy)
    for service in SERVICES:
        files[f"/usr/lib/systemd/system/{service}.service"] = b""
        files[f"/etc/systemd/system/multi-user.target.wants/{service}.service"] = b""
    files["/usr/lib/systemd/system/systemd-journald.service"] = b""
    files["/etc/fstab"] += b"/dev/mapper/clinic-images /images ext4 defaults 0 2\n"
    files["/sys/class/block/dm-0/dm/name"] = b"x\n"
    files["/sys/class/block/dm-0/dm/uuid"] = b"CRYPT-LUKS2-0-x\n"
    files["/proc/mounts"] = b"/dev/mapper/x / ext4 rw 0 0\nrpool/x /x zfs rw 0 0\n"
    files["/proc/swaps"] = b""
    files["/etc/ntp.conf"] = files["/etc/openntpd/ntpd.conf"] = b"server ntp.example\n"
    files["/etc/firewalld/firewalld.conf"] = b"DefaultZone=public\n"
    files["/etc/firewalld/zones/public.xml"] = b"<zone></zone>\n"
    return files


def test_the_other_host_passes_the_checks_of_its_services(elsewhere: dict[str, bytes]) -> None:
    """Else the hostile contents below would never reach a parser."""
    host = MemoryHost(elsewhere)
    time_sync = check.measure(check.registry()["time_sync"], host, clock.system)
    assert len(time_sync.facts["in_force"]) == 4
    firewall = check.measure(check.registry()["firewall"], host, clock.system)
    assert len(firewall.facts["enabled"]) == 4


def _contents(words: str) -> st.SearchStrategy[bytes]:
    """Lines of a syntax's own words in any order, and bytes that are no text at all."""
    word = st.sampled_from(words.split(" ")) | st.text(string.printable, max_size=6)
    line = st.lists(word, max_size=7).map(" ".join)
    text = st.lists(line, max_size=12).map("\n".join).map(str.encode)
    return st.one_of(text, st.binary(max_size=200), text.map(lambda data: data + b"\n\xff"))


def _any_of(words: dict[str, str]) -> st.SearchStrategy[tuple[str, bytes]]:
    return st.sampled_from(sorted(words)).flatmap(
        lambda key: st.tuples(st.just(key), _contents(words[key]))
    )


FILES = _any_of(PARSED)


def _is_sound(result: Result) -> bool:
    canonical.dumps(dict(result.facts))
    if result.outcome is Outcome.UNKNOWN:
        return result.facts["reason"] != "" and result.facts.get("reason_code") != "defect"
    failing = signature.failing(result.facts)
    return bool(failing) == (result.outcome is Outcome.FAIL)


@examples(150)
@given(FILES, st.booleans())
@example(("/etc/ssh/sshd_config", b'Match "' + b"\\" * 4000), True)
@example(("/etc/apt/apt.conf.d/20auto-upgrades", b"{" * 5000), True)
@example(("/etc/apt/apt.conf.d/20auto-upgrades", b"/*" * 5000), True)
@example(("/etc/sysctl.conf", b"*" * 4000 + b"=1"), True)
@example(("/var/lib/dpkg/status", b"Package: " * 5000), True)
def test_any_content_of_any_file_gives_an_outcome_with_a_reason(
    healthy: dict[str, bytes], hostile: tuple[str, bytes], tree: bool
) -> None:
    path, content = hostile
    kind = Kind.TREE if tree else Kind.LOCAL
    host = MemoryHost({**healthy, path: content}, kind, RUNNING)
    for one in check.registry().values():
        result = check.measure(one, host, clock.system)
        assert _is_sound(result), (path, content, result)


MOUNT_WORDS = (
    "/dev/sda1 / /srv /srv/a \\040 \\000 \\777 nfs ext4 xfs overlay autofs rw ro rw,ro 0 none"
)


@examples(100)
@given(_contents(MOUNT_WORDS), st.lists(st.integers(0, 2**62), min_size=4, max_size=4))
def test_any_table_of_mounts_and_any_room_gives_an_outcome_with_a_reason(
    table: bytes, numbers: list[int]
) -> None:
    space = Space(*numbers)
    for content in (table, b"/dev/sda1 / ext4 rw 0 0\n" + table, b"/dev/sda1 / ext4 rw 0 0\n"):
        host = MemoryHost({"/proc/mounts": content}, Kind.LOCAL, space=space)
        result = check.measure(check.registry()["disk_space"], host, clock.system)
        assert _is_sound(result), (content, space, result)


@examples(150)
@given(_any_of(ELSEWHERE), st.booleans())
def test_any_content_of_a_file_of_another_host_gives_an_outcome_with_a_reason(
    elsewhere: dict[str, bytes], hostile: tuple[str, bytes], tree: bool
) -> None:
    path, content = hostile
    files = {**elsewhere, path: content}
    if path == "/etc/systemd/journald.conf":
        del files["/usr/lib/systemd/system/auditd.service"]
    for one in check.registry().values():
        result = check.measure(
            one, MemoryHost(files, Kind.TREE if tree else Kind.LOCAL), clock.system
        )
        assert _is_sound(result), (path, content, result)


@examples(80)
@given(st.lists(_any_of(ANSWERS), max_size=4).map(dict))
def test_any_answer_of_any_program_gives_an_outcome_with_a_reason(
    elsewhere: dict[str, bytes], answers: dict[str, bytes]
) -> None:
    host = MemoryHost(elsewhere, Kind.LOCAL, answers)
    for one in check.registry().values():
        result = check.measure(one, host, clock.system)
        assert _is_sound(result), (answers, result)


@examples(150)
@given(st.binary(max_size=2000), st.sampled_from((".tar", ".tar.gz", ".tar.xz")), st.booleans())
def test_any_archive_gives_an_outcome_with_a_reason(
    healthy: dict[str, bytes], content: bytes, ending: str, damaged: bool
) -> None:
    """Bytes of any kind, and a whole archive with some of it put over its own bytes."""
    (name,) = (path for path in healthy if path.startswith("/var/backups/clinic/"))
    files = {path: data for path, data in healthy.items() if path != name}
    if damaged:
        whole = bytearray(PACK[ending](healthy[name]))
        at = len(content) * 7 % len(whole)
        whole[at : at + len(content)] = content
        content = bytes(whole)
    host = MemoryHost({**files, f"/var/backups/clinic/x-2099-01-01{ending}": content})
    result = check.measure(check.registry()["backup_restore"], host, clock.system)
    assert _is_sound(result), (content, result)


@examples(150)
@given(st.sampled_from(sorted(RECORDED.glob("*.json"))), st.integers(0, 2**32 - 1))
def test_rules_with_anything_in_them_give_an_outcome_with_a_reason(
    elsewhere: dict[str, bytes], recorded: Path, seed: int
) -> None:
    draw = random.Random(seed)
    rules = json.loads(recorded.read_text())
    for _ in range(draw.randint(1, 3)):
        _replace_one(rules, draw)
    host = MemoryHost(elsewhere, Kind.LOCAL, {"nft_rules": json.dumps(rules).encode()})
    result = check.measure(check.registry()["firewall"], host, clock.system)
    assert _is_sound(result), (rules, result)


def _replace_one(node: Any, draw: random.Random) -> None:
    """Put something else in place of one value, somewhere beneath `node`."""
    while isinstance(node, dict | list) and node:
        key = draw.choice(sorted(node)) if isinstance(node, dict) else draw.randrange(len(node))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or draw.random() < 0.2:
            node[key] = copy.deepcopy(draw.choice(NODES))
            return
        node = inner


@examples(40)
@given(st.integers(0, 2**32 - 1))
def test_any_damage_to_a_healthy_host_gives_an_outcome_with_a_reason(
    healthy: dict[str, bytes], seed: int
) -> None:
    draw = random.Random(seed)
    files = dict(healthy)
    for path in draw.sample(sorted(files), 3):
        content = bytearray(files[path])
        for _ in range(draw.randint(1, 5)):
            at = draw.randint(0, len(content))
            content[at : at + draw.randint(0, 20)] = draw.randbytes(draw.randint(0, 3))
        files[path] = bytes(content)
    for one in check.registry().values():
        result = check.measure(one, MemoryHost(files), clock.system)
        assert _is_sound(result), (seed, result)


LINE = {
    Syntax.SSHD: Line("PermitRootLogin", "PermitRootLogin no"),
    Syntax.EQUALS: Line("kernel.kptr_restrict", "kernel.kptr_restrict = 2"),
    Syntax.WORDS: Line("PASS_MAX_DAYS", "PASS_MAX_DAYS\t365"),
    Syntax.SECTION: Line("IdleSec", "IdleSec=900"),
    Syntax.SUDOERS: Line("use_pty", "Defaults use_pty"),
}
WORDS = "PermitRootLogin kernel.kptr_restrict = PASS_MAX_DAYS Match Include # yes 1 - \r \x85"
WORDS += " [Login] [Login [Other] IdleSec=1 IdleSec Defaults use_pty Defaults:a !use_pty"


@given(
    st.sampled_from(sorted(Syntax)),
    st.sampled_from(sorted(Placement)),
    st.booleans(),
    _contents(WORDS),
)
def test_an_edit_is_done_once_and_keeps_every_other_line(
    syntax: Syntax, placement: Placement, only_if_present: bool, content: bytes
) -> None:
    edit = Edit(syntax, placement, only_if_present, (LINE[syntax],), section="Login")
    before = content.decode("utf-8", "surrogateescape")
    after = edit.apply(before)
    assert edit.apply(after) == after
    key = LINE[syntax].key.lower()
    kept, others = (
        [row for row in text.split("\n") if row and key not in row.lower()]
        for text in (after, before)
    )
    made = ["[Login]"] if syntax is Syntax.SECTION and len(kept) > len(others) else []
    assert kept == [*others, *made]
    if not only_if_present:
        assert LINE[syntax].text in after.split("\n")


def test_the_words_name_files_that_stand_on_a_healthy_host(healthy: dict[str, bytes]) -> None:
    there = {*healthy, *ADDED}
    assert set(PARSED) <= there, sorted(set(PARSED) - there)
