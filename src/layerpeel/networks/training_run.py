"""What a run of an experiment shows: its JSON with effect sizes over trials, its text, its page and its figures."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.networks.collapse_results import DescentRow, ImbalanceRow, imbalance_results, unconstrained_results
from layerpeel.networks.label_error_results import LabelErrorRow, label_noise_results
from layerpeel.networks.run_directory import Run
from layerpeel.networks.separation_results import SeparationRow, separation_results
from layerpeel.networks.strengths_results import StrengthsRow, geomnist_results
from layerpeel.numerics import Figure
from layerpeel.pages.output import json_text, number, text_table
from layerpeel.pages.records import Record, Result

PAGE = "results.html"
"""File of a run directory that shows everything in it."""

RESULTS: Mapping[str, Callable[..., tuple[list[Any], list[Figure]]]] = {
    "separation": separation_results,
    "imbalance": imbalance_results,
    "unconstrained": unconstrained_results,
    "geomnist": geomnist_results,
    "label-noise": label_noise_results,
}
"""For each experiment, what makes rows and figures of its units."""

Row = SeparationRow | ImbalanceRow | DescentRow | StrengthsRow | LabelErrorRow


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
    figure_files: tuple[str, ...] = Field(serialization_alias="figures")
    drawn: SkipJsonSchema[tuple[Figure, ...]] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """The results as a table, and where they lie."""
        count = len(self.figure_files)
        where = f"{self.directory}/{PAGE} shows them with {count} figure{'s' * (count != 1)}"
        return "\n".join([text_table(*_table(self.results)), "", where])

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
        from layerpeel.pages.results_page import results_page  # what draws is imported where something is drawn

        made = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        subtitle = (
            f"Profile {self.profile}, seed {self.seed}, images {self.data or 'as packaged'}, device {self.device}; {made}. "
            f"{self.units} units of work in {self.directory}."
        )
        return results_page(f"Experiment {self.experiment}", subtitle, self.drawn, *_table(self.results))


def summarise(run: Run) -> TrainingRun:
    """Rows and figures of a run that is finished."""
    rows, figures = RESULTS[run.experiment](list(run.units.values()))
    return TrainingRun(
        experiment=run.experiment,
        directory=str(run.directory),
        **{name: run.config[name] for name in ("profile", "seed", "data", "checksum", "device", "versions")},
        units=len(run.units),
        results=tuple(rows),
        figure_files=tuple(f"figure-{position}.svg" for position in range(1, len(figures) + 1)),
        drawn=tuple(figures),
    )


def _table(results: tuple[Record, ...]) -> tuple[list[str], list[list[str]]]:
    """Head and rows, without curves and lists over trials; results side by side where that is narrower."""
    rows = [{name: value for name, value in row.model_dump(mode="json").items() if not isinstance(value, list)} for row in results]
    columns = [[name.replace("_", " "), *(_cell(row[name]) for row in rows)] for name in rows[0]]
    lines = columns if len(results) < len(columns) else [list(line) for line in zip(*columns, strict=True)]
    return lines[0], lines[1:]


def _cell(value: str | float | None) -> str:
    """Four digits, which is more than a few trials know."""
    return value if isinstance(value, str) else number(None if value is None else float(f"{value:.4g}"))
