"""The command `layerpeel`: its options, one screen per command; what a command computes, and how that is said, lies below."""

from collections.abc import Sequence
from typing import Annotated

import typer

from layerpeel.cli import counts, dynamics, networks, sweeps, theorems
from layerpeel.cli.answers import answer, refuse, usage
from layerpeel.cli.options import AsJson
from layerpeel.pages.stopping import INTERRUPTED, SystemRefused, answered

app = typer.Typer(
    help="Certified solutions of the Layer-Peeled Model, its collapse threshold, and theorems checked with evidence.",
    epilog="Exit status: 0 green, 1 a verdict is not as expected, 2 unusable input, 3 the system refused (full disk, closed output, "
    "no shared memory, no scheduler), 130 interrupted, 143 terminated.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; errors of use are one sentence on standard error.

    Example:
        >>> main(["--version"])
        layerpeel 0...
        0
    """
    from layerpeel.pages.output import silence_output

    try:
        # typer answers an interrupt with its status and no word
        return answered(app(list(arguments) if arguments is not None else None, prog_name="layerpeel", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return refuse(usage(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return answered(INTERRUPTED)
    except SystemRefused as error:
        return refuse(str(error), 3)
    except OSError as error:  # what no command foresaw, and the output of typer itself
        silence_output()
        where = "" if error.filename is None else f"{error.filename}: "
        return refuse(f"the system refused ({where}{error.strerror or error}): make room, or print elsewhere, and try again.", 3)
    except MemoryError:
        return refuse("the system refused (memory is exhausted): ask for something smaller, or use a larger machine.", 3)
    except SystemExit:  # typer's answer to a closed pipe
        silence_output()
        return refuse("standard output is closed: the answer is incomplete; print it elsewhere.", 3)
    except ValueError as error:
        from layerpeel.numerics import UnusableInput

        if not isinstance(error, UnusableInput):
            raise
        return refuse(str(error), 2)


def _version(wanted: bool) -> None:
    if wanted:
        from layerpeel.pages.output import say
        from layerpeel.version import __version__

        say(f"layerpeel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options that stand before the command."""


def doctor(as_json: AsJson = False) -> None:
    """Print versions, working solvers and device."""
    from layerpeel.environment import diagnose

    state = diagnose()
    answer(state, as_json)
    raise typer.Exit(0 if state.healthy else 1)


COMMANDS = {  # in the order in which --help lists them
    "list": theorems.list_rooms,
    "check": theorems.check,
    "solve": counts.solve,
    "threshold": counts.threshold,
    "verify": counts.verify,
    "remedy": counts.remedy,
    "train": networks.train,
    "measure": networks.measure,
    "simulate": dynamics.simulate,
    "estimate": dynamics.estimate,
    "sweep": sweeps.sweep,
    "report": theorems.report,
    "new-room": theorems.new_room,
    "doctor": doctor,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
