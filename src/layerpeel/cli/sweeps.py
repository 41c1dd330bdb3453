"""The command that computes a quantity over many parameters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerpeel.cli.answers import answer
from layerpeel.cli.options import AsJson, Scheduler, SchedulerFile
from layerpeel.pages.stopping import say_interrupted
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    pass


def sweep(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.toml", help="What is computed, and over which points.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="STORE.sqlite", help="Where points are kept; FILE.sqlite in the working folder unless given.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are processors unless given.")] = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how many points there are and how long they take; compute three.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far the store is; compute nothing.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try points again that failed or were lost.")] = False,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all points to a .csv, .parquet or .nc file.")] = None,
    page: Annotated[Path | None, typer.Option(metavar="DIR", help="Write sweep.json, figures and a page here.")] = None,
    stale: Annotated[str, typer.Option(help="Points of other versions or machines: refuse, keep or rerun.")] = "refuse",
    yes: Annotated[bool, typer.Option("--yes", help="Begin a sweep of more than a billion points.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Put over what the file says: axes.minority=7.")
    ] = None,
    list_quantities: Annotated[bool, typer.Option("--quantities", help="List what can be swept, with axes, units and defaults.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute a quantity over a grid or a sample of parameters.

    What is done is kept: the same command on the same store does what is missing. Exit status 1 when a point failed.
    """
    from layerpeel.numerics import UnusableInput
    from layerpeel.pages.files import require_directory
    from layerpeel.pages.written import write_result
    from layerpeel.sweeps.listing import quantities

    if list_quantities:
        return answer(quantities(), as_json)
    if file is None:
        raise UnusableInput("no FILE.toml is given: a sweep is described by one; write one, or list what can be swept with --quantities.")
    store = out or Path(f"{file.stem}.sqlite")
    if explain:
        from layerpeel.sweeps.explanation import explain as explained

        return answer(explained(file, store, changes=changes or (), workers=workers), as_json)
    if status:
        from layerpeel.sweeps.state import status as state_of

        return answer(state_of(store), as_json)
    from layerpeel.sweeps.results import export as write
    from layerpeel.sweeps.sweep import sweep as run
    from layerpeel.sweeps.views.tables import require_export

    if export is not None:
        require_export(export, "--export")
    if page is not None:
        require_directory(page, "--page")
    try:
        result = run(
            file,
            store,
            workers=workers,
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            stale=stale,
            retry_failed=retry_failed,
            many=yes,
            changes=changes or (),
        )
        if export is not None:
            write(result, export, "--export")
        if page is not None:
            write_result(result, page, "--page")
    except KeyboardInterrupt as error:
        where = f"; what is done lies in {one_line(str(store))}, and the same command goes on"
        raise typer.Exit(say_interrupted(where)) from error
    answer(result, as_json)
    raise typer.Exit(0 if result.done == result.points else 1)
