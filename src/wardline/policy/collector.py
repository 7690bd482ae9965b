"""How often the garbage collector looks: rules and bodies come by the thousand, without cycles."""

import gc

THRESHOLDS = (50_000, 20, 50)


def spare() -> None:
    """What is loaded now stays and is never walked again; what comes is walked seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
