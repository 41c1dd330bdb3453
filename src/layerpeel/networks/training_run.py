"""What a run of an experiment shows: its JSON with effect sizes over trials, its text, its page and its figures."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.networks.architecture_results import architecture_results
from layerpeel.networks.beside_sources import DifferingSetting, PrintedValue, differing_settings, printed_values
from layerpeel.networks.collapse_results import DescentRow, ImbalanceRow, imbalance_results, unconstrained_results
from layerpeel.networks.depth_results import DepthRow, depth_results
from layerpeel.networks.freezing_results import FreezingRow, freezing_results
from layerpeel.networks.label_error_results import LabelErrorRow, label_noise_results
from layerpeel.networks.laws import SeparationRow
from layerpeel.networks.run_directory import Run
from layerpeel.networks.sentence_results import sentence_results
from layerpeel.networks.separation_results import separation_results
from layerpeel.networks.strengths_results import StrengthsRow, geomnist_results
from layerpeel.networks.width_results import width_results
from layerpeel.numerics import Figure
from layerpeel.pages.output import json_text, number, text_table
from layerpeel.pages.records import Record, Result

if TYPE_CHECKING:
    from layerpeel.pages.results_page import PageTable

PAGE = "results.html"
"""File of a run directory that shows everything in it."""

RESULTS: Mapping[str, Callable[..., tuple[list[Any], list[Figure]]]] = {
    "separation": separation_results,
    "imbalance": imbalance_results,
    "unconstrained": unconstrained_results,
    "geomnist": geomnist_results,
    "label-noise": label_noise_results,
    "widths": width_results,
    "depths": depth_results,
    "architectures": architecture_results,
    "freezing": freezing_results,
    "sentences": sentence_results,
}
"""For each experiment, what makes rows and figures of its units."""

Row = SeparationRow | ImbalanceRow | DescentRow | StrengthsRow | LabelErrorRow | DepthRow | FreezingRow

MOST_COLUMNS = 8
"""Of a table, that it fits a page; the first of them, which tells rows apart, is repeated in the next table."""


class TrainingRun(Result):
    """A finished run of an experiment.

    Args:
        experiment: its name.
        directory: where its arrays, its results and its figures lie.
        profile: "small", "medium", or "sources" for the experiment of the sources in their size.
        seed: every random number derives from it.
        data: folder of images; None for the packaged ones.
        checksum: of the files in it.
        device: "cpu" or "cuda".
        versions: of the libraries that decide what is trained.
        units: how many units of work there are.
        results: a row for each setting, with effect sizes over its trials.
        beside_source: what the source prints, beside what was found.
        differing_settings: in which this run is not the source's experiment.
        figure_files: names of the figures' files; `figures` in the JSON.
        drawn: the figures; not part of the JSON.
    """

    experiment: str
    directory: str
    profile: str
    seed: int
    data: str | None
    checksum: str | None
    device: str
    versions: Mapping[str, str]
    units: int
    results: tuple[Row, ...]
    beside_source: tuple[PrintedValue, ...] = ()
    differing_settings: tuple[DifferingSetting, ...] = ()
    figure_files: tuple[str, ...] = Field(serialization_alias="figures")
    drawn: SkipJsonSchema[tuple[Figure, ...]] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """The results as a table, and where they lie."""
        count = len(self.figure_files)
        where = f"{self.directory}/{PAGE} shows them with {count} figure{'s' * (count != 1)}"
        tables = [line for head, rows in _tables(self.results) for line in (text_table(head, rows), "")]
        return "\n".join([*tables, where])

    def figures(self) -> tuple[Figure, ...]:
        """Effect sizes and curves, with bars over trials."""
        return self.drawn

    def to_files(self) -> dict[str, str]:
        """The JSON, a figure each, and the page."""
        from layerpeel.pages.figure_file import figure_file  # what draws is imported where something is drawn

        figures = {name: figure_file(figure) for name, figure in zip(self.figure_files, self.drawn, strict=True)}
        return {**figures, "results.json": json_text(self.to_dict()) + "\n", PAGE: self.to_page()}

    def to_page(self) -> str:
        """Figures and results as one HTML page."""
        from layerpeel.pages.results_page import PageTable, results_page  # what draws is imported where something is drawn

        made = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        subtitle = (
            f"Profile {self.profile}, seed {self.seed}, data {self.data or 'as packaged'}, device {self.device}; {made}. "
            f"{self.units} units of work in {self.directory}."
        )
        (head, rows), *others = _tables(self.results)
        further = [
            *(PageTable(title="Results, continued", head=names, rows=lines) for names, lines in others),
            *_told("Beside the source", self.beside_source),
            *_told("Settings that differ from the source's", self.differing_settings),
            PageTable(title="What the columns mean", head=[], rows=meanings(type(self.results[0]))),
        ]
        return results_page(f"Experiment {self.experiment}", subtitle, self.drawn, head, rows, further)


def summarise(run: Run) -> TrainingRun:
    """Rows and figures of a run that is finished."""
    units = list(run.units.values())
    rows, figures = RESULTS[run.experiment](units)
    return TrainingRun(
        experiment=run.experiment,
        directory=str(run.directory),
        **{name: run.config[name] for name in ("profile", "seed", "data", "checksum", "device", "versions")},
        units=len(run.units),
        results=tuple(rows),
        beside_source=printed_values(run.experiment, rows),
        differing_settings=differing_settings(run.experiment, run.config, units),
        figure_files=tuple(f"figure-{position}.svg" for position in range(1, len(figures) + 1)),
        drawn=tuple(figures),
    )


def _tables(results: tuple[Record, ...]) -> list[tuple[list[str], list[list[str]]]]:
    """Heads and rows, without curves and lists over trials, so many columns at a time; results side by side where that is narrower."""
    rows = [{name: value for name, value in row.model_dump(mode="json").items() if not isinstance(value, list)} for row in results]
    columns = [[name.replace("_", " "), *(_cell(row[name]) for row in rows)] for name in rows[0]]
    if len(results) < min(len(columns), MOST_COLUMNS):
        return [(columns[0], columns[1:])]
    first, others, step = columns[0], columns[1:], MOST_COLUMNS - 1
    parts = [[first, *others[start : start + step]] for start in range(0, len(others), step)]
    lines = [[list(line) for line in zip(*part, strict=True)] for part in parts]
    return [(head, rest) for head, *rest in lines]


def meanings(row: type[Record]) -> list[tuple[str, str]]:
    """What each field of a row means, as its documentation says, without those that no table holds.

    Example:
        >>> meanings(DescentRow)[1]
        ('trials', 'starts')
    """
    told = (row.__doc__ or "").partition("Args:")[2]
    entries = re.findall(r"^        (\w+): (.+?)\.?$(?=\n        \w|\s*\Z)", told, flags=re.MULTILINE | re.DOTALL)
    return [(name.replace("_", " "), " ".join(meaning.split())) for name, meaning in entries if not _listed(row, name)]


def _listed(row: type[Record], name: str) -> bool:
    """Whether a field is a curve or a list over trials."""
    return "tuple" in str(row.model_fields[name].annotation) or "ndarray" in str(row.model_fields[name].annotation)


def _told(title: str, records: tuple[Record, ...]) -> "list[PageTable]":
    """A table of records, if there are any."""
    from layerpeel.pages.results_page import PageTable  # what draws is imported where something is drawn

    if not records:
        return []
    rows = [[str(value) for value in record.model_dump(mode="json").values()] for record in records]
    return [PageTable(title=title, head=[name.replace("_", " ") for name in type(records[0]).model_fields], rows=rows)]


def _cell(value: str | float | None) -> str:
    """Four digits, which is more than a few trials know."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number(None if value is None else float(f"{value:.4g}"))
