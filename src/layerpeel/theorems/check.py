"""Rooms in, report out; reports on disk."""

import os
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from layerpeel.environment import describe_environment
from layerpeel.numerics import UnusableInput, require_instance, require_one_of, require_positive, require_whole
from layerpeel.pages.files import REPORT_FILES, read_small
from layerpeel.pages.progress import progress
from layerpeel.pages.records import Result
from layerpeel.pages.written import write_texts
from layerpeel.theorems.installed import choose_installed, installed_rooms
from layerpeel.theorems.report import (
    Environment,
    Report,
    RoomResult,
    Summary,
    render_badge_json,
    render_badge_svg,
    render_bibliography,
    render_junit,
    render_latex,
    render_markdown,
)
from layerpeel.theorems.run import run_rooms
from layerpeel.theory import Profile, Room

LARGEST_REPORT = 2**25
"""Bytes of a report.json; that of all rooms with their figures has two million."""


OWN_FAMILY = "own"
"""Family of rooms that are handed over: no package of ours holds them."""


def check(
    *rooms: str | Room,
    family: str | None = None,
    profile: str = "quick",
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    scheduler_file: Path | str | None = None,
    time_limit: float | None = None,
    package: str | None = None,
) -> Report:
    """Confirm or refute theorems, with evidence; how far it is goes to standard error.

    Every check also judges false variants of its theorem, which must come back refuted: the report is green when they do, and every
    verdict is the expected one.

    Args:
        rooms: names of theorems, all of them if none is named; or rooms of your own.
        family: only the theorems of this family.
        profile: "quick", or "full" for more work.
        seed: every random number derives from it.
        workers: the largest number of processes, as many as there are processors unless given; 1 stays in this one. With more, a script
            calls this under `if __name__ == "__main__":`, as all that starts processes is called. Rooms of your own stay in this one, since
            their functions do not travel.
        scheduler: address of a dask scheduler, tcp://HOST:PORT, whose workers run the rooms instead.
        scheduler_file: a file that names one.
        time_limit: seconds for one room; none unless given. A room that takes longer, or whose process dies, is run a second time, and is
            inconclusive when that fails too; the others do not notice.
        package: an installed package whose rooms are checked instead: those that it offers as entry points of the group `layerpeel.rooms`.

    Raises:
        UnusableInput: for a room, family or profile that does not exist, and for rooms of your own where they cannot run.
        SystemRefused: when no process can be started, or no scheduler is there.

    Example:
        >>> check("energy-product", workers=1).summary.green
        True
    """
    from layerpeel.theory import choose

    for room in rooms:
        require_instance(room, (str, Room), "a room", made="from a statement and its claims, or name one")
    named = tuple(room for room in rooms if isinstance(room, str))
    own = {room.statement.name: (OWN_FAMILY, room) for room in rooms if isinstance(room, Room)}
    if own and package is not None:
        raise UnusableInput(f"{', '.join(own)} and the rooms of {package} are two suites: check one at a time.")
    chooser = choose if package is None else partial(choose_installed, package)
    chosen = (chooser(named, family) if named or not own else {}) | own
    amount = Profile(require_one_of(profile, "profile", Profile))
    seed = require_whole(seed, "the seed", least=0, remedy="give one, say 0")
    most = os.cpu_count() or 1 if workers is None else require_whole(workers, "the number of workers", remedy="give one, or none at all")
    limit = None if time_limit is None else require_positive(time_limit, "the time limit")
    if own and not (scheduler is None and scheduler_file is None and limit is None):
        raise UnusableInput(
            f"{', '.join(own)}: rooms of your own run in this process, since their functions do not travel; leave out the scheduler and "
            "the time limit."
        )
    with progress("checking rooms", len(chosen)) as bar:

        def finished(room: RoomResult) -> None:
            bar(advance=1, description=room.name, failure=None if room.green or room.skipped else f"{room.name} is not as expected")

        results = run_rooms(
            chosen,
            profile=amount,
            seed=seed,
            workers=most,
            finished=finished,
            here=bool(own),
            scheduler=scheduler,
            scheduler_file=None if scheduler_file is None else Path(scheduler_file),
            time_limit=limit,
            package=package,
        )
    if package is not None:
        results = [_offered(room, chosen[room.name][1], package) for room in results]
    return report_of(results, seed=seed, profile=amount.value)


def _offered(result: RoomResult, room: Room, package: str) -> RoomResult:
    """What a package's room found, with its source in full from the package's own bibliography."""
    source = installed_rooms(package).bibliography.reference(room.statement.source)
    return result.model_copy(update={"package": package, "source": source})


def report_of(rooms: list[RoomResult], *, seed: int, profile: str) -> Report:
    """The report of rooms that ran on this machine."""
    return Report(
        summary=Summary.of(rooms),
        rooms=rooms,
        environment=Environment.model_validate(describe_environment()),
        seed=seed,
        profile=profile,
    )


class WrittenReport(Result):
    """Where a report was written, and whether it is green."""

    green: bool
    files: list[str]

    def to_text(self) -> str:
        """One file a line."""
        return "\n".join(self.files)


def write_report(report: Report, directory: Path) -> WrittenReport:
    """Write the report as JSON, Markdown, HTML, LaTeX with its references, JUnit XML, and its badge: all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    from layerpeel.theorems.report import render_html  # what draws is imported where something is drawn

    renderings = (Report.to_json, render_markdown, render_html, render_latex, render_bibliography, render_junit)
    texts = [render(report) for render in (*renderings, render_badge_json, render_badge_svg)]
    write_texts(directory, dict(zip(REPORT_FILES, texts, strict=True)))
    return WrittenReport(green=report.summary.green, files=[str(directory / name) for name in REPORT_FILES])


def read_report(path: Path) -> Report:
    """The report in a JSON file.

    Raises:
        UnusableInput: when there is no such file, or it is not a report.
    """
    try:
        return Report.model_validate_json(read_small(path, f"report {path}", largest=LARGEST_REPORT))
    except OSError as error:
        raise UnusableInput(f"report {path} cannot be read ({error.strerror}): it must be a JSON file; check the path.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise UnusableInput(
            f"report {path} does not follow the report's schema at {place} ({first['msg']}): it must be a report.json that this "
            "version wrote; make one with `layerpeel check --out DIR`."
        ) from error
