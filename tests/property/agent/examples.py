"""How many examples a property gets: few in the gate, those of the long form with `--full`."""

from hypothesis import settings

_USUAL = 100


def examples(short: int) -> settings:
    """`short` of them, and as many as its profile says in the long form."""
    profile = settings.default
    assert profile is not None
    is_long = profile.max_examples > _USUAL
    return settings(max_examples=profile.max_examples if is_long else short)
