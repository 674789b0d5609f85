"""The commands under their names, each with its purpose, an example and the exit codes."""

from typing import Annotated, Any

import typer

from csworkbench import __version__
from csworkbench.cli import (
    applying,
    checking,
    doctoring,
    explaining,
    making,
    past,
    reading,
    releasing,
    running,
    serving,
)
from csworkbench.cli.console import answer

CODES = "Exit codes: 0 ok, 1 a notebook failed, 2 usage or config, 3 data refused, 4 environment, 130/143 signals."
PURPOSE = "Customer-success analyses from files, in notebooks, with honest numbers."
WIDTH = 80
LIBRARY = "Change the solution library by what a run proposes."
HISTORY = "Look at earlier runs: which there are, and how they differ."
APPLY = "Show what a run proposes for the playbooks, and write it once it is agreed to."


def command() -> Any:
    """Return the root command with all its commands."""
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": WIDTH}
    app = typer.Typer(
        name="csw",
        help=_help(PURPOSE, "csw init book && cd book && csw run"),
        epilog=CODES,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=settings,
    )
    app.callback()(_root)
    for call, purpose, examples in COMMANDS:
        app.command(call.__name__, help=_help(purpose, *examples), epilog=CODES)(call)
    library = typer.Typer(help=_help(LIBRARY, "csw playbooks apply latest"), epilog=CODES, no_args_is_help=True)
    library.command("apply", help=_help(APPLY, "csw playbooks apply latest --yes"), epilog=CODES)(applying.apply)
    app.add_typer(library, name="playbooks", context_settings=settings)
    history = typer.Typer(
        help=_help(HISTORY, "csw runs list", "csw runs diff 2026-11 latest"), epilog=CODES, no_args_is_help=True
    )
    for name, look, purpose, example in RUNS:
        history.command(name, help=_help(purpose, example), epilog=CODES)(look)
    app.add_typer(history, name="runs", context_settings=settings)
    return typer.main.get_command(app)


RUNS = (
    ("list", past.list_, "List the runs, the newest first.", "csw runs list"),
    ("show", past.show, "Show what a run was made from and what became of each notebook.", "csw runs show latest"),
    ("diff", past.diff, "Say what changed between two runs: config, data, code, lists.", "csw runs diff 2026-11-01"),
)
COMMANDS = (
    (
        running.run,
        "Run the batch, or the notebooks named, and make their pages.",
        (
            "csw run",
            "csw run health --as-of 2026-06-30 --set health.history_months=6",
            "csw run health --by csm",
        ),
    ),
    (running.plan, "Show what would run on which inputs and what would be written.", ("csw plan", "csw plan health")),
    (
        checking.check,
        "Check configs and data: every problem at once, with its place.",
        ("csw check", "csw check configs/health.yaml --config-only"),
    ),
    (serving.lab, "Open JupyterLab in the project.", ("csw lab", "csw lab --no-browser --port 8899")),
    (
        making.init,
        "Make a new project with a sample book that runs unedited.",
        ("csw init book", "csw init ours --template csv --data accounts.csv"),
    ),
    (
        making.sample,
        "Write a simulated customer book to try things on.",
        ("csw sample --out trial --accounts 200 --months 12 --seed 7",),
    ),
    (
        reading.describe,
        "Say what config keys mean, hold, and where they are set.",
        ("csw describe", "csw describe health"),
    ),
    (
        explaining.explain,
        "Explain a score, why a contact is listed or not, or a key.",
        ("csw explain account A000015", "csw explain contact P0000042", "csw explain health.compare_months"),
    ),
    (
        reading.schema,
        "Print the JSON Schema of a config or of run.json.",
        ("csw schema", "csw schema health > health.schema.json", "csw schema run.json"),
    ),
    (
        making.new,
        "Start an analysis: module, notebook, config, test, method note.",
        ("csw new referrals",),
    ),
    (
        releasing.release,
        "Make a list of a run official: kept in records/, never changed.",
        ("csw release latest email_design", "csw release latest plan_validation baselines"),
    ),
    (
        past.prune,
        "Remove old runs, or erase a contact everywhere; lists first.",
        ("csw prune", "csw prune --keep 10 --older-than 90 --yes", "csw prune --contact P0000042"),
    ),
    (
        doctoring.doctor,
        "Check the environment, or propose a mapping for your file.",
        ("csw doctor", "csw doctor data exports/customers.csv"),
    ),
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        answer(f"csworkbench {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    del version  # its callback has answered


def _help(purpose: str, *examples: str) -> str:
    r"""Return a help text; the line of \b keeps the examples on lines of their own."""
    lines = [f"  {line}" for line in examples]
    return "\n".join([purpose, "", "\b", "Examples:" if len(lines) > 1 else "Example:", *lines])
