"""`wardline runs`: the runs of the appliance on this machine, under the name of the product."""

from wardline.agent.run_commands import app

__all__ = ["app"]
