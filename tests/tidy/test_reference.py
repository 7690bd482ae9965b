"""Rules about docs/reference: it says what the code does."""

import pytest

from tests.tidy import reference


@pytest.mark.parametrize("name", ["commands.md", "error-codes.md", "settings.md"])
def test_reference_says_what_the_code_does(name: str) -> None:
    written = (reference.FOLDER / name).read_text()
    assert written == reference.pages()[name], "run `make reference` and read what changed"


def test_every_environment_variable_is_documented() -> None:
    unknown = reference.environment_names() - set(reference.ENVIRONMENT)
    assert unknown == set(), "add them to tests/tidy/reference.py and run `make reference`"
