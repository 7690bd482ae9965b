"""`wardline policy`: the policy manager on a policy file, and the epoch of Central's."""

import typer

from wardline.cli.commands import policy_epoch, policy_seed, policy_serve

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The policy manager on a policy file; the epoch of Central's policy.",
)
app.command("seed")(policy_seed.seed)
app.command("epoch")(policy_epoch.epoch)
app.command("serve")(policy_serve.serve)
