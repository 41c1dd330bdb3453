"""What runs of the experiments `imbalance` and `unconstrained` show: minority collapse, and descent against the certified optimum."""

from collections.abc import Sequence

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units, by_settings
from layerpeel.numerics import Figure, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

ROUNDING = 1e-16
"""Values of the loss differ from the optimum by their rounding at best: a logarithmic axis ends here."""


class ImbalanceRow(Record):
    """Minority collapse at one imbalance, measured and predicted from the measured energies.

    Args:
        network: its name.
        imbalance: R.
        oversampling: w_r, how often minority samples are repeated.
        trials: how many.
        minority_cosine: between minority classifiers, mean over trials.
        standard_deviation: of that over trials; None for one.
        predicted_cosine: by the Layer-Peeled Model; NaN where the minority vanishes.
        minority_accuracy: on test images.
        majority_accuracy: likewise.
        minority_cosines: of every trial.
        predicted_cosines: likewise.
    """

    network: str
    imbalance: float
    oversampling: float
    trials: int
    minority_cosine: Number
    standard_deviation: Number | None
    predicted_cosine: Number
    minority_accuracy: Number
    majority_accuracy: Number
    minority_cosines: tuple[Number, ...]
    predicted_cosines: tuple[Number, ...]


class DescentRow(Record):
    """How far descent on features and classifier alone ends above the certified optimum.

    Args:
        imbalance: R.
        trials: starts.
        certified_value: upper end of the optimum's enclosure.
        largest_excess: over its lower end, over trials.
        least_excess: likewise.
    """

    imbalance: float
    trials: int
    certified_value: float
    largest_excess: Number
    least_excess: Number


def imbalance_results(units: Units) -> tuple[list[ImbalanceRow], list[Figure]]:
    """Minority cosines against R and w_r, measured and as the Layer-Peeled Model predicts them from the measured energies."""
    settings = by_settings(units, "network", "imbalance", "oversampling")
    rows = [_row(network, ratio, factor, trials) for (network, ratio, factor), trials in settings.items()]
    figures: list[Figure] = []
    for network in dict.fromkeys(row.network for row in rows):
        mine = [row for row in rows if row.network == network]
        plain = [row for row in mine if row.oversampling == 1.0]
        most = max(row.imbalance for row in mine)
        remedied = [row for row in mine if row.imbalance == most]
        figures += [
            _cosines(f"Minority collapse, {network}", plain, "imbalance", "imbalance R"),
            _cosines(f"Oversampling at R = {most:g}, {network}", remedied, "oversampling", "oversampling of the minority"),
        ]
    return rows, figures


def _row(network: str, ratio: float, factor: float, trials: Sequence[Arrays]) -> ImbalanceRow:
    from layerpeel.solvers import LayerPeeled, solve

    rare = np.isin(np.arange(len(trials[0]["counts"])), trials[0]["minority"])
    effective = trials[0]["counts"] * np.where(rare, factor, 1.0)
    predicted: list[float] = []
    for arrays in trials:
        problem = LayerPeeled.from_imbalance(
            int((~rare).sum()),
            int(rare.sum()),
            float(effective[~rare].mean() / effective[rare].mean()),
            feature_energy=float(arrays["feature_energy"]),
            weight_energy=float(arrays["weight_energy"]),
        )
        cosine = solve(problem).groups[-1].within_cosine
        predicted.append(float("nan") if cosine is None else cosine)
    measured = np.array([float(arrays["minority_cosine"]) for arrays in trials])
    accuracy = np.array([arrays["accuracy"] for arrays in trials])
    return ImbalanceRow(
        network=network,
        imbalance=float(ratio),
        oversampling=float(factor),
        trials=len(trials),
        minority_cosine=float(measured.mean()),
        standard_deviation=float(measured.std(ddof=1)) if len(measured) > 1 else None,
        predicted_cosine=float(np.mean(predicted)),
        minority_accuracy=float(accuracy[:, rare].mean()),
        majority_accuracy=float(accuracy[:, ~rare].mean()),
        minority_cosines=tuple(measured.tolist()),
        predicted_cosines=tuple(predicted),
    )


def _cosines(title: str, rows: Sequence[ImbalanceRow], name: str, label: str) -> Figure:
    x = [getattr(row, name) for row in rows]
    return figure(
        title,
        "Mean cosine between minority classifiers, measured and as the Layer-Peeled Model predicts it from the energies measured in each "
        "network; accuracy on test images. Bars: least and largest over trials.",
        label,
        "cosine; accuracy",
        [
            points_over_trials("measured cosine", x, np.array([row.minority_cosines for row in rows]).T, 0),
            points_over_trials("cosine predicted from energies", x, np.array([row.predicted_cosines for row in rows]).T, 1),
            line("accuracy on minority classes", x, [row.minority_accuracy for row in rows], 2),
            line("accuracy on majority classes", x, [row.majority_accuracy for row in rows], 3),
        ],
        log_x=True,
    )


def unconstrained_results(units: Units) -> tuple[list[DescentRow], list[Figure]]:
    """How far descent on W and H alone ends above the certified optimum."""
    from layerpeel.solvers import LayerPeeled, solve

    rows, series = [], []
    for color, ((ratio,), trials) in enumerate(by_settings(units, "imbalance").items()):
        feature_energy, weight_energy = trials[0]["energies"].tolist()
        problem = LayerPeeled(counts=trials[0]["counts"].tolist(), feature_energy=feature_energy, weight_energy=weight_energy)
        optimum = solve(problem).value
        excess = np.array([arrays["values"] for arrays in trials]) - optimum.lower
        rows.append(
            DescentRow(
                imbalance=float(ratio),
                trials=len(trials),
                certified_value=optimum.upper,
                largest_excess=float(excess[:, -1].max()),
                least_excess=float(excess[:, -1].min()),
            )
        )
        series.append(points_over_trials(f"R = {ratio}", trials[0]["steps"][1:].tolist(), np.maximum(excess[:, 1:], ROUNDING), color))
    caption = f"Value above the certified lower bound of the optimum, {ROUNDING:g} where it is less; bars: least and largest over starts."
    title = "Descent on features and classifier alone"
    return rows, [figure(title, caption, "step", "excess over the optimum", series, log_x=True, log_y=True)]
