"""`wardline policy`: the policy manager on a policy file."""

import typer

from wardline.cli.commands import policy_seed, policy_serve

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The policy manager on a policy file, without Central.",
)
app.command("seed")(policy_seed.seed)
app.command("serve")(policy_serve.serve)
