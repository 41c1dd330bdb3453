"""Experiments on networks as quantities of sweeps: `train:EXPERIMENT` trains one network, or one ensemble, at a point."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import UnusableInput
from layerpeel.sweeps.quantity import Axis, Columns, Parameters, Quantity

if TYPE_CHECKING:
    from layerpeel.gpu_train import Images
    from layerpeel.gpu_train.experiments import Plan, Unit

RECIPE = (
    Axis(name="epochs", kind=int, says="passes over the images", unit="epochs", default=150),
    Axis(name="batch_size", kind=int, says="images per step", unit="images", default=128),
    Axis(name="learning_rate", kind=float, says="of the first epochs", default=0.1),
    Axis(name="optimizer", kind=str, says="sgd, momentum or adam", default="sgd"),
    Axis(name="weight_decay", kind=float, says="λ of (λ/2)‖θ‖²", default=5e-4),
    Axis(name="drops", kind=None, says="shares of the epochs after which the rate is divided by ten, a list", default=[1 / 3, 2 / 3]),
)
"""The fields of a `Recipe`."""

IMAGES = Axis(name="images_seed", kind=int, says="which of the packaged images are trained on: the seed of `layerpeel train`", default=0)

ONE_BY_ONE = (
    Axis(name="iterations", kind=int, says="steps, of one image each", unit="steps", default=10_000),
    Axis(name="learning_rate", kind=float, says="constant", default=0.005),
    Axis(name="trials", kind=int, says="networks trained side by side", unit="networks", default=24),
    Axis(name="every", kind=int, says="steps between two evaluations", unit="steps", default=100),
    Axis(name="label_error", kind=float, says="probability that a training label is wrong", default=0.0),
)
"""The fields of a `OneByOne`."""


def _with_defaults(axes: Sequence[Axis], **defaults: Any) -> tuple[Axis, ...]:
    """The same axes with an experiment's own defaults."""
    return tuple(
        Axis(name=axis.name, kind=axis.kind, says=axis.says, unit=axis.unit, default=defaults.get(axis.name, axis.default)) for axis in axes
    )


@dataclass(frozen=True, kw_only=True)
class _Experiment:
    """What a sweep of an experiment is.

    Args:
        says: what is trained, and what for.
        axes: the fields of its recipe; defaults are those of the small profile.
        columns: the effect sizes that its results report.
        unit: (settings) → the unit of work that `layerpeel train` has for these settings.
        fixed: settings that are the same at every point.
        rows: to tell rows apart, where results have several: the column whose value is put behind the names.
    """

    says: str
    axes: tuple[Axis, ...]
    columns: Mapping[str, str]
    unit: "Callable[[Mapping[str, Any]], Unit]"
    fixed: Mapping[str, Any]
    rows: str | None = None


# How a unit is made of settings


@cache
def _images(make: "Callable[..., tuple[Images, Images]]", seed: int, *side: int) -> "tuple[Images, Images]":
    """Read once in every process, as `train` reads them once in a run."""
    return make(_plan(seed), *side)


def _plan(seed: int = 0) -> "Plan":
    from layerpeel.gpu_train.experiments import Plan

    return Plan(seed=seed)


def _separation_unit(settings: Mapping[str, Any]) -> "Unit":
    from layerpeel.gpu_train.experiments import separation_unit, small_images

    return separation_unit("point", settings, _images(small_images, settings["images_seed"]), device="cpu")


def _imbalance_unit(settings: Mapping[str, Any]) -> "Unit":
    from layerpeel.gpu_train.experiments import NETWORKS, imbalance_images, imbalance_unit
    from layerpeel.numerics import require_one_of

    network = require_one_of(settings["network"], "network", NETWORKS)
    data = _images(imbalance_images, settings["images_seed"], 10 if network == "feed-forward" else 32)
    return imbalance_unit("point", settings, data, device="cpu")


def _unconstrained_unit(settings: Mapping[str, Any]) -> "Unit":
    from layerpeel.gpu_train.experiments import unconstrained_unit

    return unconstrained_unit("point", settings, device="cpu")


def _ensemble_unit(settings: Mapping[str, Any]) -> "Unit":
    from layerpeel.gpu_train.experiments import ensemble_unit, shapes

    return ensemble_unit("point", settings, shapes(_plan()), device="cpu")


STRENGTHS = {
    "cumulative_intra": "Â at the end",
    "cumulative_intra_error": "its standard error over trials",
    "cumulative_inter": "B̂ at the end",
    "cumulative_inter_error": "its standard error over trials",
    "tail_index": "of α̂, by definition; none where it is undefined",
    "tail_index_error": "its standard error",
    "printed_tail_index": "by the printed formula",
    "cumulative_tail_index": "by the printed formula on the integral",
    "mean_relative_difference": "of genuine and implied class means",
    "final_relative_difference": "of genuine and implied class means at the end",
    "source_relative_difference": "by the source's protocol, its equation (20): under the L-model, along d_k",
    "final_accuracy": "mean over trials",
    "since": "iteration from which strengths are counted",
}

EXPERIMENTS: Mapping[str, _Experiment] = {
    "separation": _Experiment(
        says="The law of data separation in one trained network: how D falls from layer to layer.",
        axes=(
            Axis(name="widths", kind=None, says="of the hidden layers, a list for each value", default=[100] * 8),
            Axis(name="batch_norm", kind=bool, says="whether layers have batch norm", default=True),
            Axis(name="linear", kind=bool, says="whether nonlinearities are left out", default=False),
            Axis(name="residual", kind=int, says="layers of a residual block; 0 for a plain network", default=0),
            Axis(name="imbalance", kind=float, says="R, images of a class of the larger half over those of the other", default=1.0),
            Axis(name="frozen", kind=str, says="none, bottom or top: which half keeps its initial weights", default="none"),
            *RECIPE,
            IMAGES,
        ),
        columns={
            "decay_ratio": "ρ, by which D falls from layer to layer; none where the network died",
            "pearson": "correlation of layer and log D",
            "max_residual": "largest |log D − fit|",
            "curvature": "of log D against layers",
            "final_log_d": "log D of the last layer",
            "batch_ratio": "ρ in training mode, with the statistics of batches of 100",
            "test_ratio": "ρ on test images",
            "train_accuracy": "share of training images",
            "test_accuracy": "share of test images",
            "rank_between": "least rank of the class means over layers",
        },
        unit=_separation_unit,
        fixed={"variant": "point"},
    ),
    "imbalance": _Experiment(
        says="Minority collapse in one trained network, measured and predicted from its energies, by sample and by class.",
        axes=(
            Axis(
                name="network",
                kind=str,
                says="feed-forward on 10 × 10 pixels; vgg-11, vgg-11-thin, vgg-13 or resnet-18 on 32 × 32",
                default="feed-forward",
            ),
            Axis(name="imbalance", kind=float, says="R, images of a majority class over those of a minority class"),
            Axis(name="oversampling", kind=float, says="w_r, how often minority images are repeated", default=1.0),
            Axis(name="most", kind=int, says="images of a majority class", unit="images", default=200),
            *_with_defaults(RECIPE, epochs=100, optimizer="momentum", weight_decay=5e-3),
            IMAGES,
        ),
        columns={
            "minority_cosine": "between minority classifiers",
            "predicted_cosine": "by the Layer-Peeled Model, norms counted by sample; none where the minority vanishes",
            "nonnegative_cosine": "the same for features H ≥ 0",
            "weight_decay_cosine": "for features H ≥ 0, by the weight decay alone",
            "class_averaged_cosine": "by the sources' model, energies averaged over every class",
            "minority_training_accuracy": "on the images trained on: below one half no model speaks of the minority",
            "minority_accuracy": "on test images",
            "majority_accuracy": "on test images",
        },
        unit=_imbalance_unit,
        fixed={},
    ),
    "unconstrained": _Experiment(
        says="How far descent on features and classifier alone ends above the certified optimum.",
        axes=(
            Axis(name="imbalance", kind=int, says="R of three classes against three"),
            Axis(name="feature_energy", kind=float, says="E_H, the mean squared norm of the features", default=5.0),
            Axis(name="weight_energy", kind=float, says="E_W, the mean squared norm of the classifiers", default=1.0),
            Axis(name="dimension", kind=int, says="p, of features and classifiers", default=8),
            Axis(name="steps", kind=int, says="of gradient descent", unit="steps", default=3000),
            Axis(name="learning_rate", kind=float, says="constant", default=1.0),
        ),
        columns={
            "excess": "value at the end less the lower end of the optimum's enclosure",
            "certified_value": "upper end of that enclosure",
        },
        unit=_unconstrained_unit,
        fixed={},
    ),
    "geomnist": _Experiment(
        says="Strengths of local elasticity in one ensemble of networks on three shapes, under both models.",
        axes=_with_defaults(ONE_BY_ONE),
        columns={f"{name}_{model}": f"{says}, {model}-model" for model in ("L", "I") for name, says in STRENGTHS.items()},
        unit=_ensemble_unit,
        fixed={"images": "GeoMNIST"},
        rows="model",
    ),
    "label-noise": _Experiment(
        says="Accuracy and strengths of local elasticity in one ensemble of networks on three shapes with label errors, under the L-model.",
        axes=_with_defaults(ONE_BY_ONE, iterations=8000, trials=16, every=200),
        columns={
            "accuracy": "on clean labels, mean over networks",
            "loss": "on clean labels, mean over networks",
            "cumulative_difference": "Â − B̂ at the end",
            "cumulative_difference_error": "its standard error over networks",
            "tail_index": "of α̂ − β̂, by definition; none where it is undefined",
            "tail_index_error": "its standard error",
            "printed_tail_index": "by the printed formula",
            "cumulative_tail_index": "by the printed formula on the integral",
            "since": "iteration from which strengths are counted",
        },
        unit=_ensemble_unit,
        fixed={"images": "GeoMNIST"},
    ),
}

RENAMED = {"largest_excess": "excess"}
"""Of one descent the largest excess is the only one."""


def training_quantity(name: str) -> Quantity:
    """One unit of work of `layerpeel train NAME`, as a quantity over the fields of its recipe.

    Args:
        name: geomnist, label-noise, imbalance, unconstrained or separation.

    Raises:
        UnusableInput: for an experiment that does not exist; the nearest name is given.

    Example:
        >>> training_quantity("unconstrained").axis("steps").default
        3000
    """
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]}?" if near else "choose one of these."
        raise UnusableInput(f"experiment {name!r} does not exist: train:EXPERIMENT takes one of {', '.join(EXPERIMENTS)}; {remedy}")
    experiment = EXPERIMENTS[name]
    return Quantity(
        name=f"train:{name}",
        says=experiment.says,
        axes=experiment.axes,
        columns=experiment.columns,
        compute=partial(_trained, name),
        draws=True,
    )


def settings_of(name: str, parameters: Parameters) -> dict[str, Any]:
    """The settings of a unit of `train`, from the parameters of a point.

    Example:
        >>> settings_of("separation", {"widths": [100, 100]})
        {'variant': 'point', 'widths': (100, 100)}
    """
    lists = {axis: tuple(value) if isinstance(value, list) else value for axis, value in parameters.items()}
    return {**EXPERIMENTS[name].fixed, **lists}


def _trained(name: str, parameters: Parameters, rng: np.random.Generator | None) -> Columns:
    from layerpeel.networks.run_directory import known_experiments

    known_experiments()  # without torch: the sentence that says so
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.networks.training_run import RESULTS

    if rng is None:
        raise UnusableInput(f"train:{name} is computed without a random generator: weights and orders are drawn at random; give one.")
    one_thread()
    experiment, settings = EXPERIMENTS[name], settings_of(name, parameters)
    arrays = experiment.unit(settings).run(rng, None, lambda _share: None)
    rows, _ = RESULTS[name]([(settings, arrays)])
    columns: dict[str, Any] = {}
    for row in rows:
        end = f"_{getattr(row, experiment.rows)}" if experiment.rows else ""
        columns |= {f"{RENAMED.get(key, key)}{end}": value for key, value in row.model_dump().items()}
    return {column: columns[column] for column in experiment.columns}
