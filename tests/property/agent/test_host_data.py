"""Whatever stands in the files of a host, a check has an outcome and, if unknown, a reason."""

import random
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.agent.memory_host import MemoryHost
from wardline.agent.checks import check
from wardline.agent.hosts.host import Kind, Space
from wardline.agent.runbooks.config_lines import Edit, Line
from wardline.agent.runbooks.runbook import Placement, Syntax
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
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("healthy")
    trees.build(root, "reception-pc")
    files = (path for path in root.rglob("*") if path.is_file())
    return {f"/{path.relative_to(root)}": path.read_bytes() for path in files}


def _contents(words: str) -> st.SearchStrategy[bytes]:
    """Lines of a syntax's own words in any order, and bytes that are no text at all."""
    word = st.sampled_from(words.split(" ")) | st.text(string.printable, max_size=6)
    line = st.lists(word, max_size=7).map(" ".join)
    text = st.lists(line, max_size=12).map("\n".join).map(str.encode)
    return st.one_of(text, st.binary(max_size=200), text.map(lambda data: data + b"\n\xff"))


FILES = st.sampled_from(sorted(PARSED)).flatmap(
    lambda path: st.tuples(st.just(path), _contents(PARSED[path]))
)


def _is_sound(result: Result) -> bool:
    canonical.dumps(dict(result.facts))
    if result.outcome is Outcome.UNKNOWN:
        return result.facts["reason"] != "" and result.facts.get("reason_code") != "defect"
    failing = signature.failing(result.facts)
    return bool(failing) == (result.outcome is Outcome.FAIL)


@settings(max_examples=150)
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
    host = MemoryHost({**healthy, path: content}, Kind.TREE if tree else Kind.LOCAL)
    for one in check.registry().values():
        result = check.measure(one, host, clock.system)
        assert _is_sound(result), (path, content, result)


MOUNT_WORDS = (
    "/dev/sda1 / /srv /srv/a \\040 \\000 \\777 nfs ext4 xfs overlay autofs rw ro rw,ro 0 none"
)


@settings(max_examples=100)
@given(_contents(MOUNT_WORDS), st.lists(st.integers(0, 2**62), min_size=4, max_size=4))
def test_any_table_of_mounts_and_any_room_gives_an_outcome_with_a_reason(
    table: bytes, numbers: list[int]
) -> None:
    space = Space(*numbers)
    for content in (table, b"/dev/sda1 / ext4 rw 0 0\n" + table, b"/dev/sda1 / ext4 rw 0 0\n"):
        host = MemoryHost({"/proc/mounts": content}, Kind.LOCAL, space=space)
        result = check.measure(check.registry()["disk_space"], host, clock.system)
        assert _is_sound(result), (content, space, result)


@settings(max_examples=40)
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
}
WORDS = "PermitRootLogin kernel.kptr_restrict = PASS_MAX_DAYS Match Include # yes 1 - \r \x85"


@given(
    st.sampled_from(sorted(Syntax)),
    st.sampled_from(sorted(Placement)),
    st.booleans(),
    _contents(WORDS),
)
def test_an_edit_is_done_once_and_keeps_every_other_line(
    syntax: Syntax, placement: Placement, only_if_present: bool, content: bytes
) -> None:
    edit = Edit(syntax, placement, only_if_present, (LINE[syntax],))
    before = content.decode("utf-8", "surrogateescape")
    after = edit.apply(before)
    assert edit.apply(after) == after
    key = LINE[syntax].key.lower()
    others = [row for row in before.split("\n") if row and key not in row.lower()]
    assert [row for row in after.split("\n") if row and key not in row.lower()] == others
    if not only_if_present:
        assert LINE[syntax].text in after.split("\n")


def test_the_words_name_files_that_stand_on_a_healthy_host(healthy: dict[str, bytes]) -> None:
    assert set(PARSED) <= set(healthy), sorted(set(PARSED) - set(healthy))
