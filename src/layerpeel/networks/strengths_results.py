"""What a run of the experiment `geomnist` shows: strengths under both models, against genuine class means."""

from dataclasses import replace

import numpy as np

from layerpeel.networks.estimated_ensembles import EstimatedEnsemble, difference_as_the_source, estimated_ensemble, tail_fields
from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, Series, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Numbers, Record, Table

FEWEST_TIMES = 10
"""Recorded states that an estimate is made from at the least."""


class StrengthsRow(Record):
    """Strengths of local elasticity under one model, estimated from one ensemble's mean logits.

    Args:
        images: what the networks were trained on.
        model: "I" or "L".
        since: iteration from which strengths are counted.
        cumulative_intra: Â at the end.
        cumulative_intra_error: its standard error over trials.
        cumulative_inter: B̂ at the end.
        cumulative_inter_error: its standard error over trials.
        tail_index: of α̂, by definition; None where it is undefined.
        tail_index_error: its standard error.
        printed_tail_index: by the printed formula.
        cumulative_tail_index: by the printed formula on the integral.
        mean_relative_difference: of genuine and implied class means.
        final_relative_difference: at the end.
        source_relative_difference: by the protocol of zhang2021, equation (20): the model's strengths drive the L-model, and what counts is
            the difference along d_k; mean over classes and times.
        final_accuracy: mean over trials.
        crossings: what was done with components of the class means that cross zero, where logarithms have no meaning: "drop" leaves them
            out; "keep", where nothing else was left, takes absolute values, as the source does.
        crossing_components: how many of them there are.
        iterations: the times of what follows.
        intra: α̂.
        inter: β̂.
        cumulative_intra_curve: Â.
        cumulative_inter_curve: B̂.
        relative_difference: time × class.
    """

    images: str
    model: str
    since: float
    cumulative_intra: Number
    cumulative_intra_error: Number | None
    cumulative_inter: Number
    cumulative_inter_error: Number | None
    tail_index: Number | None
    tail_index_error: Number | None
    printed_tail_index: Number | None
    cumulative_tail_index: Number | None
    mean_relative_difference: Number
    final_relative_difference: Number
    source_relative_difference: Number
    final_accuracy: Number
    crossings: str
    crossing_components: int
    iterations: Numbers
    intra: Numbers
    inter: Numbers
    cumulative_intra_curve: Numbers
    cumulative_inter_curve: Numbers
    relative_difference: Table


def geomnist_results(units: Units) -> tuple[list[StrengthsRow], list[Figure]]:
    """Strengths under both models, and how near the class means they imply are to the genuine ones."""
    results = [_ensemble_results(settings["images"], arrays) for settings, arrays in units]
    return [row for rows, _ in results for row in rows], [drawn for _, figures in results for drawn in figures]


def _departure(arrays: Arrays) -> int:
    """Where the networks have left their initial plateau: half-way from guessing to faultless; a quarter of the run if they never do.

    Before that the means are what the initial weights happened to give, a hundredth in size and of any sign: growth factors counted
    from there say nothing about training.
    """
    accuracy, classes = arrays["accuracy"].mean(axis=0), arrays["logits"].shape[-1]
    passed = accuracy[: -FEWEST_TIMES + 1] >= 0.5 * (1.0 + 1.0 / classes)
    return int(np.argmax(passed)) if passed.any() else len(accuracy) // 4


def _ensemble_results(images: str, arrays: Arrays) -> tuple[list[StrengthsRow], list[Figure]]:
    start = _departure(arrays)
    models = {model: estimated_ensemble(arrays, model, start) for model in ("I", "L")}
    theirs = {model: difference_as_the_source(arrays, model, start) for model in models}
    figures = [
        _strengths("Cumulative strengths of local elasticity", "Â(t), B̂(t)", models, ("cumulative_intra", "cumulative_inter"), ("Â", "B̂")),
        _strengths("Strengths of local elasticity", "α̂(t), β̂(t)", models, ("intra", "inter"), ("α̂", "β̂")),
        *(_against_genuine(model, estimated) for model, estimated in models.items()),
        _relative_differences(models),
        _by_their_protocol(theirs, models["L"].rates.times[1:]),
        *([_cosines(arrays)] if arrays["logits"].shape[-1] > 2 else []),  # of two centred means the cosine is −1, whatever they are
    ]
    rows = [_model_row(images, model, estimated, theirs[model], arrays) for model, estimated in models.items()]
    return rows, [replace(drawn, title=f"{drawn.title} ({images})") for drawn in figures]


def _model_row(images: str, model: str, estimated: EstimatedEnsemble, as_the_source: np.ndarray, arrays: Arrays) -> StrengthsRow:
    rates, errors, difference = estimated.rates, estimated.rates.standard_error, estimated.difference
    return StrengthsRow(
        images=images,
        model=model,
        since=float(rates.times[0]),
        cumulative_intra=float(rates.cumulative_intra[-1]),
        cumulative_intra_error=None if errors is None else float(errors["cumulative_intra"][-1]),
        cumulative_inter=float(rates.cumulative_inter[-1]),
        cumulative_inter_error=None if errors is None else float(errors["cumulative_inter"][-1]),
        **tail_fields(rates.tail_index["intra"]),
        mean_relative_difference=float(difference.mean()),
        final_relative_difference=float(difference[-1].mean()),
        source_relative_difference=float(as_the_source.mean()),
        final_accuracy=float(arrays["accuracy"][:, -1].mean()),
        crossings=estimated.crossings,
        crossing_components=rates.crossing,
        iterations=rates.times,
        intra=rates.intra,
        inter=rates.inter,
        cumulative_intra_curve=rates.cumulative_intra,
        cumulative_inter_curve=rates.cumulative_inter,
        relative_difference=difference,
    )


def _strengths(title: str, label: str, models: dict[str, EstimatedEnsemble], names: tuple[str, str], symbols: tuple[str, str]) -> Figure:
    series = [
        line(f"{symbol}, {model}-model", estimated.rates.times.tolist(), getattr(estimated.rates, name), 2 * row + column)
        for row, (model, estimated) in enumerate(models.items())
        for column, (name, symbol) in enumerate(zip(names, symbols, strict=True))
    ]
    caption = (
        "From where the networks have left their initial plateau, or a quarter of the run: how a step at an image moves its own class "
    )
    return figure(title, caption + "(intra) and the others (inter), under both models.", "iteration", label, series)


def _against_genuine(model: str, estimated: EstimatedEnsemble) -> Figure:
    """The logit of each class at its own images: genuine means and those that the estimated strengths imply."""
    times = estimated.rates.times
    shown = np.unique(np.linspace(0, len(times) - 1, 25).astype(int))
    series: list[Series] = []
    for k in range(estimated.genuine.shape[1]):
        series.append(points_over_trials(f"class {k}", times[shown].tolist(), estimated.genuine[None, shown, k, k], k))
        series.append(line("", times.tolist(), estimated.simulated[:, k, k], k))
    caption = "Mean logit of each class at its own images (points), and what the estimated strengths make of the first point (lines)."
    return figure(f"Simulated against genuine class means, {model}-model", caption, "iteration", "own logit", series)


def _relative_differences(models: dict[str, EstimatedEnsemble]) -> Figure:
    series = [
        line(f"class {k}, {model}-model", estimated.rates.times[1:].tolist(), estimated.difference[:, k], 3 * row + k)
        for row, (model, estimated) in enumerate(models.items())
        for k in range(estimated.genuine.shape[1])
    ]
    means = " and ".join(f"{estimated.difference.mean():.2f} under the {model}-model" for model, estimated in models.items())
    caption = f"‖X̄ᵏ − Ȳᵏ‖/((‖X̄ᵏ‖ + ‖Ȳᵏ‖)/2) of genuine and simulated mean logits, between 0 and 2; on average it is {means}."
    return figure("Relative difference of simulated class means", caption, "iteration", "RD_k(t)", series)


def _by_their_protocol(theirs: dict[str, np.ndarray], times: np.ndarray) -> Figure:
    means = ", ".join(f"{difference.mean():.3f} with those of the {model}-model" for model, difference in theirs.items())
    series = [
        line(f"strengths of the {model}-model", times.tolist(), difference.mean(axis=1), color)
        for color, (model, difference) in enumerate(theirs.items())
    ]
    caption = f"Equation (20) of the source: either model's strengths drive the L-model, in the norm of H_k, in sample; on average {means}."
    return figure("Relative difference as the source takes it", caption, "iteration", "RD(t) along d_k, mean over classes", series)


def _cosines(arrays: Arrays) -> Figure:
    means = arrays["logits"].mean(axis=0)
    centred = means - means.mean(axis=1, keepdims=True)
    units = centred / np.linalg.norm(centred, axis=-1, keepdims=True)
    cosines = units @ units.transpose(0, 2, 1)
    first, second = np.triu_indices(means.shape[1], 1)
    times = arrays["iterations"].tolist()
    series = [line(f"classes {k} and {j}", times, cosines[:, k, j], color) for color, (k, j) in enumerate(zip(first, second, strict=True))]
    caption = f"Of the centred mean logits; a simplex ETF has {-1 / (means.shape[1] - 1):g} in all pairs."
    return figure("Cosines between class means of logits", caption, "iteration", "cosine", series)
