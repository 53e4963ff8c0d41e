"""The commands of `voicesearch asr`; those of training are in `asr.training_commands`."""

import typer

from asr import training_commands

app = typer.Typer(help="Train, test and package recognisers.", no_args_is_help=True)
training_commands.register(app)


@app.callback()
def asr() -> None:
    """Train, test and package recognisers."""
