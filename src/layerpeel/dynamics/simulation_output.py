"""What the command line calls to say a simulation."""

from pathlib import Path

from layerpeel.dynamics.simulation import Simulation
from layerpeel.pages.written import Keys, with_files, write_result


def describe_simulation(record: Keys, directory: Path | None) -> str:
    """The text of a simulation, and where its files lie."""
    return with_files(record.result, directory)


def write_simulation(found: Simulation, _: Keys, directory: Path) -> None:
    """Write its JSON and its figures, all or none."""
    write_result(found, directory)
