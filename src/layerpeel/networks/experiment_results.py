"""What a run of an experiment shows: a record with effect sizes over trials, and figures."""

from typing import Any

from layerpeel.networks.collapse_results import imbalance_results, unconstrained_results
from layerpeel.networks.elasticity_results import geomnist_results, label_noise_results
from layerpeel.networks.run_directory import Run
from layerpeel.networks.separation_results import separation_results
from layerpeel.numerics import Figure
from layerpeel.pages.output import number, text_table
from layerpeel.pages.results_page import results_page

PAGE = "results.html"
"""File of a run directory that shows everything in it."""

RESULTS = {
    "separation": separation_results,
    "imbalance": imbalance_results,
    "unconstrained": unconstrained_results,
    "geomnist": geomnist_results,
    "label-noise": label_noise_results,
}
"""For each experiment, what makes rows and figures of its units."""


def summarise(run: Run) -> tuple[dict[str, Any], list[Figure]]:
    """The record of a run and its figures."""
    rows, figures = RESULTS[run.experiment](list(run.units.values()))
    files = [f"figure-{position}.svg" for position in range(1, len(figures) + 1)]
    record = {
        "experiment": run.experiment,
        "directory": str(run.directory),
        **run.config,
        "units": len(run.units),
        "results": rows,
        "figures": files,
    }
    return record, figures


def describe_run(record: dict[str, Any]) -> str:
    """The results as a table, and where they lie."""
    head, rows = _table(record["results"])
    count = len(record["figures"])
    return "\n".join([text_table(head, rows), "", f"{record['directory']}/{PAGE} shows them with {count} figure{'s' * (count != 1)}"])


def run_page(record: dict[str, Any], figures: list[Figure]) -> str:
    """Figures and results as one HTML page."""
    made = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    subtitle = (
        f"Profile {record['profile']}, seed {record['seed']}, images {record['data'] or 'as packaged'}, device {record['device']}; {made}. "
        f"{record['units']} units of work in {record['directory']}."
    )
    return results_page(f"Experiment {record['experiment']}", subtitle, figures, *_table(record["results"]))


def _table(results: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows, without curves and lists over trials; results side by side where that is narrower."""
    names = [name for name in results[0] if not isinstance(results[0][name], list)]
    columns = [[name.replace("_", " "), *(_cell(row[name]) for row in results)] for name in names]
    lines = columns if len(results) < len(columns) else [list(line) for line in zip(*columns, strict=True)]
    return lines[0], lines[1:]


def _cell(value: str | float | None) -> str:
    """Four digits, which is more than a few trials know."""
    return value if isinstance(value, str) else number(None if value is None else float(f"{value:.4g}"))
