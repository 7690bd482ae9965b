"""The site's list of names: what it finds, what it leaves, how it is kept. All names are made up."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.marks import plain_marks
from wardline.agent import name_commands
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook
from wardline.agent.scrub import patient_names
from wardline.agent.scrub.marks import Marker
from wardline.agent.scrub.ordinary_words import is_ordinary
from wardline.agent.scrub.patient_names import NamesUnusable, PatientNames
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Layout
from wardline.core.evidence.bundle import IncidentState, Outcome
from wardline.core.incidents.incident import State
from wardline.core.policy.decision import Verdict

KEY = bytes(range(32))
NAMES = ("Jane Roe", "Adaeze Okonkwo-Smythe", "Vandermolen", "José Núñez", "Müller, Änne", "Li Wu")


@pytest.fixture
def scrub() -> Scrubber:
    return Scrubber(Marker(KEY), PatientNames.of(NAMES))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/srv/scans/Roe, Jane/x.pdf", "/srv/scans/[name]/x.pdf"),
        ("/srv/scans/roe_jane-2026.pdf", "/srv/scans/[name]-2026.pdf"),
        ("/srv/Jane%20Roe/x: 0644 0:0", "/srv/[name]/x: 0644 0:0"),
        ("C:\\Users\\JaneRoe\\x", "C:\\Users\\[name]\\x"),
        ("JANE A. ROE was here", "[name] was here"),
        ("jane.roe", "[name]"),
        ("patients/Roe/Jane/2024", "patients/[name]/2024"),
        ("vandermolen-pc.clinic.lan", "[name]-pc.clinic.lan"),
        ("/home/vandermolen/.ssh", "/home/[name]/.ssh"),
        ("host Vandermolen is down", "host [name] is down"),
        ("vandermolen", "[name]"),
        ("/x/Jose_Nunez.txt JOSÉ NÚÑEZ", "/x/[name].txt [name]"),
        ("J\u200bane R\u00adoe", "[name]"),
        ("/x/anne mueller Änne_Müller", "/x/anne mueller [name]"),
        ("Adaeze Okonkwo Smythe", "[name]"),
        ("wu-li.png", "[name].png"),
    ],
)
def test_names_are_found_however_they_are_written(scrub: Scrubber, text: str, wanted: str) -> None:
    clean = scrub.text(text)
    assert plain_marks(clean) == wanted
    assert scrub.text(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Jane alone, roe deer, Jane and Mary Roe",
        "/srv/janet/roebuck/janeroex",
        "Jane\nRoe",
        "molen vandermolens-pc",
        "Okonkwo alone is nobody of the list, nor is Li or Wu",
        "a talk of vandermolen in passing",
    ],
)
def test_parts_of_names_and_longer_words_stay(scrub: Scrubber, text: str) -> None:
    assert scrub.text(text) == text


def test_a_host_named_after_a_patient_is_told_by_a_mark(scrub: Scrubber) -> None:
    assert plain_marks(scrub.host_name("room vandermolen")) == "room [name]"
    assert scrub.host_name("front-desk") == "front-desk"
    assert len(scrub.host_name("vandermolen " * 40)) <= 255


def test_one_person_has_one_mark(scrub: Scrubber) -> None:
    told = {scrub.text(text) for text in ("Jane Roe", "roe_jane", "Roe, Jane", "JANE B ROE")}
    assert len(told) == 1


@pytest.mark.parametrize(
    "name", ["Root", "Open", "Li", "123", "", "#x", "May", "a b c d e", "x" * 101]
)
def test_what_would_blot_out_evidence_is_no_name(name: str) -> None:
    assert patient_names.refusal(name) is not None
    other = Scrubber(Marker(KEY), PatientNames.of([name, "Jane Roe"]))
    assert other.text(f"/x/{name}/y") == f"/x/{name}/y"


def test_the_words_that_decide_here_can_be_nobodys_name(tmp_path: Path) -> None:
    kinds = (Outcome, State, IncidentState, Verdict)
    decide = {word for kind in kinds for one in kind for word in one.value.split("_")}
    assert all(is_ordinary(word) for word in decide if len(word) > 2)
    ids = [*check.registry(), *runbook.registry()]
    for word in {word for one in ids for word in one.replace(".", "_").split("_")}:
        with pytest.raises(name_commands.NameRefused):
            name_commands.put(Layout(tmp_path), [word])


def test_the_list_is_kept_for_its_owner_alone_and_never_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path / "agent")
    assert name_commands.put(layout, ["Jane Roe", "Vandermolen", "roe, jane"]) == (2, 2)
    assert layout.patient_names.stat().st_mode & 0o777 == 0o600
    assert layout.root.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in layout.root.iterdir()] == ["patient-names"]
    assert name_commands.put(layout, ["VANDERMOLEN"]) == (0, 2)
    with pytest.raises(name_commands.NameRefused) as refused:
        name_commands.put(layout, ["Ada Byron", "Root"])
    assert "Root" not in str(refused.value)
    assert "2 of 2" in str(refused.value)
    assert name_commands.take_off(layout, ["Roe Jane", "nobody"]) == (1, 1)
    name_commands.count(layout.root)
    assert capsys.readouterr().out.strip() == "1"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o640),
        lambda path: path.write_bytes(b"\xff\xfe\n"),
        lambda path: path.write_text("Jane Roe\n" * (patient_names.NAMES_MAX + 1)),
    ],
)
def test_a_list_that_cannot_be_used_says_so_without_a_name(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    layout = Layout(tmp_path)
    name_commands.put(layout, ["Jane Roe"])
    names = PatientNames(layout.patient_names)
    spoil(layout.patient_names)
    with pytest.raises(NamesUnusable) as error:
        names.refresh()
    assert "Roe" not in str(error.value)
    assert list(names.found("Jane Roe")), "the list before stays in force"


def test_a_changed_list_is_taken_in(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    scrub = Scrubber(Marker(KEY), PatientNames(layout.patient_names))
    assert scrub.text("/x/jane_roe") == "/x/jane_roe"
    name_commands.put(layout, ["Jane Roe"])
    scrub.refresh()
    assert plain_marks(scrub.text("/x/jane_roe")) == "/x/[name]"
    name_commands.take_off(layout, ["Jane Roe"])
    scrub.refresh()
    assert scrub.text("/x/jane_roe") == "/x/jane_roe"


def test_the_time_is_that_of_the_text_and_not_of_the_list() -> None:
    """Every word is one of a name, each of the longest names fails at its last word."""

    def seconds(names: list[str], words: int) -> float:
        made, best = PatientNames.of(names), 9.0
        text = "alpha beta gamma " * words
        for _ in range(3):
            began = time.thread_time()
            assert not list(made.found(text))
            best = min(best, time.thread_time() - began)
        return best

    few = ["Alpha Beta Gamma Delta"]
    many = few + [f"Alpha Beta Gamma {'abcdefghij'[n % 10] * (n // 10 + 3)}" for n in range(2000)]
    short = seconds(few, 2000)
    assert seconds(few, 16_000) < 3 * 8 * short
    assert seconds(many, 2000) < 10 * short
