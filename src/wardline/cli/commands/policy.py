"""`wardline policy`: rules wherever they are, a policy file that serves, Central's epoch."""

import typer

from wardline.cli.commands import (
    policy_cases,
    policy_checks,
    policy_epoch,
    policy_past,
    policy_seed,
    policy_serve,
    policy_transfer,
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Rules: test, lint, compare, replay and move them; serve a policy file without Central.",
)
app.command("seed")(policy_seed.seed)
app.command("epoch")(policy_epoch.epoch)
app.command("serve")(policy_serve.serve)
app.command("test")(policy_cases.run_cases)
app.command("lint")(policy_checks.lint)
app.command("diff")(policy_checks.diff_rules)
app.command("simulate")(policy_checks.simulate)
app.command("replay")(policy_past.replay)
app.command("export")(policy_transfer.export)
app.command("import")(policy_transfer.import_rules)
