"""`wardline agent`: the commands of the agent itself, under the name of the product."""

from wardline.agent.__main__ import app

__all__ = ["app"]
