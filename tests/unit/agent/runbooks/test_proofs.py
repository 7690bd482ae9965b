"""The programs that prove a file, by what they say of good and bad ones on this very machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wardline.agent.hosts.local import SEARCH_PATH, LocalHost
from wardline.agent.runbooks import proofs, runbook
from wardline.agent.runbooks.operations import CommandFailed, WriteFile
from wardline.agent.runbooks.proofs import STAGED, Proof
from wardline.agent.runbooks.runbook import InstallFile, SetConfigLine

# What proves a path, a file that it takes and one that it does not.
CASES = {
    "/etc/ssh/sshd_config": ("HostKey {key}\nPermitRootLogin no\n", "PermitRotLogin no\n"),
    "/etc/sudoers.d/x": ("Defaults use_pty\n", "Defaults use_pty = = 3\nroot ALL=(ALL ALL\n"),
    "/etc/default/ufw": ('ENABLED="yes"\n', 'ENABLED="yes\n'),
    "/etc/apt/apt.conf.d/x": ('APT::Periodic::Enable "1";\n', 'APT::Periodic::Enable "1\n'),
    "/etc/chrony/chrony.conf": ("pool example.org iburst\n", "pol example.org\n"),
}
# Installed by .ci/run, or part of every host.
NEEDED = {"sshd", "visudo", "sh"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "host_key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    if os.geteuid() == 0:
        # Without it sshd as root does not even look at its file.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return path


@pytest.mark.parametrize("path", sorted(CASES))
def test_a_file_is_switched_in_only_where_its_own_program_takes_it(
    path: str, key: Path, tmp_path: Path
) -> None:
    proof = proofs.of(path)
    assert proof is not None
    assert proof.staged is not None
    program = proof.staged[0]
    if shutil.which(program, path=SEARCH_PATH) is None:
        assert program not in NEEDED, f"install {program}, as .ci/run does"
        pytest.skip(f"this machine has no {program}")
    host, file = LocalHost("h", "h", writable=True), tmp_path / "file.conf"
    file.write_text("as it was\n")
    file.chmod(0o640)
    good, bad = (text.replace("{key}", str(key)).encode() for text in CASES[path])
    for content, taken in ((bad, False), (good, True)):
        one = WriteFile("a", "install_file", str(file), content, None, proof.staged, None)
        if taken:
            assert one.apply(host, []).changed
        else:
            with pytest.raises(CommandFailed):
                one.apply(host, [])
            assert file.read_bytes() == b"as it was\n"
        assert [entry.name for entry in tmp_path.iterdir()] == ["file.conf"]
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (good, 0o640)


def test_every_file_of_a_shipped_runbook_is_proved_or_says_why_not() -> None:
    for book in runbook.registry().values():
        for step in book.steps:
            if isinstance(step, SetConfigLine | InstallFile) and step.check_with is None:
                proof = proofs.of(step.file)
                assert step.unproven or (proof and (proof.staged or proof.whole or proof.unproven))


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("/etc/ssh/sshd_config.d/50-x.conf", "sshd"),
        ("/etc/sudoers", "visudo"),
        ("/etc/nftables.conf", "nft"),
        ("/etc/ssh/sshd_config.d/deep/x", None),
        ("/etc/x/sudoers", None),
    ],
)
def test_a_proof_belongs_to_its_path_alone(path: str, program: str | None) -> None:
    found = proofs.of(path)
    assert (found and found.staged and found.staged[0]) == program


def test_a_part_is_judged_with_the_whole_before_anything_is_reloaded() -> None:
    found = proofs.of("/etc/sudoers.d/x")
    assert found == Proof(staged=("visudo", "-c", "-f", STAGED), whole=("visudo", "-c"))
