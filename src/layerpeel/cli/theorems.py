"""Commands on theorems: list and check them, render a report, begin a room."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerpeel.cli.answers import answer
from layerpeel.cli.options import AsJson, Family, Scheduler, SchedulerFile
from layerpeel.pages.stopping import say_interrupted
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    pass


class Profile(StrEnum):
    """How much work a check does."""

    QUICK = "quick"
    FULL = "full"


def list_rooms(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="With --source: one of the sources, by its key in references.bib or its name.")
    ] = None,
    family: Family = None,
    source: Annotated[
        bool, typer.Option("--source", help="List instead what the sources say, each with its rooms, its command, or why there is neither.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the rooms, one theorem each, or what the sources say and where it is checked."""
    from layerpeel.numerics import UnusableInput

    if source:
        from layerpeel.theorems.sources import source_index

        if family is not None:
            raise UnusableInput(f"--source and --family {family} are given: sources belong to no family; leave one of them out.")
        return answer(source_index(key), as_json)
    if key is not None:
        raise UnusableInput(f"{key!r} is given without --source: rooms are listed all, or by --family; add --source, or leave it out.")
    from layerpeel.theorems.listing import list_rooms as listed

    return answer(listed(family), as_json)


def check(
    rooms: Annotated[list[str] | None, typer.Argument(metavar="[ROOM]...", help="Rooms to check; all of them if none is named.")] = None,
    family: Family = None,
    profile: Annotated[Profile, typer.Option(help="quick takes two minutes on two cores.")] = Profile.QUICK,
    seed: Annotated[int, typer.Option(min=0, help="Every random number derives from it.")] = 0,
    workers: Annotated[
        int | None, typer.Option("--workers", "--jobs", min=1, help="Processes; as many as there are processors unless given.")
    ] = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="A room that takes longer, twice, is inconclusive; no limit unless given.")
    ] = None,
    package: Annotated[
        str | None, typer.Option("--from", metavar="PACKAGE", help="Check the rooms that an installed package offers, not these.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report here: report.json, .md, .html and .tex, junit.xml, badge.svg.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Confirm or refute theorems, with evidence.

    Every check also judges false variants of its theorem, which must come back refuted.
    """
    from layerpeel.pages.files import require_report_directory
    from layerpeel.pages.output import print_json, say
    from layerpeel.theorems.check import check as run
    from layerpeel.theorems.check import write_report

    if out is not None:
        require_report_directory(out, "--out")
    try:
        report = run(
            *(rooms or ()),
            family=family,
            profile=profile,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            time_limit=time_limit,
            package=package,
        )
    except KeyboardInterrupt as error:
        raise typer.Exit(say_interrupted("; nothing is kept of a check: run it again")) from error
    if out is not None:
        write_report(report, out)
    if as_json:
        print_json(report.to_dict())
    else:
        where = "no report written; --out DIR writes one" if out is None else f"report: {out / 'report.html'}"
        say(f"{report.to_text()}\n{one_line(where)}", styled=True)
    raise typer.Exit(0 if report.summary.green else 1)


def report(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="REPORT.json | diff OLD NEW", help="A report that `layerpeel check` wrote; or two, to be held against each other."
        ),
    ],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the report in all its forms here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Render a report again from its JSON, or say what changed from OLD to NEW.

    `report diff` ends with status 1 where a verdict changed; OLD and NEW are files, or directories that hold a report.json.
    """
    from layerpeel.numerics import UnusableInput
    from layerpeel.pages.files import require_report_directory
    from layerpeel.theorems.check import read_report, write_report
    from layerpeel.theorems.difference import difference_of_files

    match [str(sources[0]), *sources[1:]], out:
        case ["diff", Path() as old, Path() as new], None:
            changes = difference_of_files(old, new)
            answer(changes, as_json)
            raise typer.Exit(1 if changes.changed else 0)
        case [_], Path() as directory:
            read = read_report(sources[0])
            require_report_directory(directory, "--out")
            answer(write_report(read, directory), as_json)
        case _:
            given = " ".join(map(str, sources))
            raise UnusableInput(
                f"report {given} is neither REPORT.json --out DIR nor diff OLD NEW: name one report, or two; see its --help."
            )


def new_room(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Kebab-case, of no room that there is.")],
    family: Annotated[str, typer.Option(help="layer-peeled, locally-elastic or equi-separation.")],
    as_json: AsJson = False,
) -> None:
    """Write the skeleton of a room into this checkout.

    It is a room already: it passes the catalogue's tests, and says what to replace.
    """
    from layerpeel.theorems.new_room import WrittenRoom
    from layerpeel.theorems.new_room import new_room as write

    answer(WrittenRoom(file=str(write(name, family, checkout=Path()))), as_json)
