"""Words of others on a terminal, as everybody shows them (core.plain)."""

from wardline.core.plain import shown

__all__ = ["shown"]
