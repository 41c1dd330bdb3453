"""Training in phases: what moves, what stays, and what is looked at."""

import numpy as np
import pytest
import torch
from refusals import refused

from layerpeel.gpu_train import Images
from layerpeel.gpu_train.experiments import Plan
from layerpeel.gpu_train.experiments.freezing import freezing_unit, freezing_units
from layerpeel.gpu_train.freezing import Phase, train_in_phases
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.training import Recipe

RECIPE = Recipe(epochs=3, learning_rate=0.01, optimizer="adam", batch_size=10)


def blobs(seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 20)
    pixels = (rng.normal(size=(60, 1, 2, 2)) + 2.0 * rng.normal(size=(3, 1, 2, 2))[labels]).astype(np.float32)
    return Images(pixels=pixels, labels=labels, num_classes=3, name="blobs")


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize(
    ("part", "moved"), [("all", [True] * 4), ("lower", [True, True, False, False]), ("upper", [False, False, True, True])]
)
def test_a_phase_moves_its_part_alone(part: str, moved: list[bool]) -> None:
    kept: list[torch.nn.Module] = []
    before: list[list[torch.Tensor]] = []

    def build() -> torch.nn.Module:
        kept.append(feed_forward(4, 3, (5, 5, 5), batch_norm=False))
        before.append(weights(kept[0]))
        return kept[0]

    train_in_phases(build, blobs(), blobs(), [Phase(part=part, recipe=RECIPE)], np.random.default_rng(0), lower=2)
    same = [torch.equal(a, b) for a, b in zip(before[0], weights(kept[0]), strict=True)]
    assert same[::2] == same[1::2] == [not each for each in moved]  # weights and biases of three hidden layers and the classifier


def test_curves_tell_phases_epochs_loss_and_separation() -> None:
    phases = [Phase(part="lower", recipe=RECIPE), Phase(part="upper", recipe=Recipe(epochs=60, learning_rate=0.01, optimizer="adam"))]
    curves = train_in_phases(lambda: feed_forward(4, 3, (5, 5)), blobs(), blobs(), phases, np.random.default_rng(0), lower=1)
    assert curves.phases.tolist() == [0] * 3 + [1] * 40
    assert (curves.epochs[:3].tolist(), curves.epochs[-1]) == ([1, 2, 3], 63)
    assert curves.fuzziness.shape == (43, 3)
    assert curves.loss[-1] < curves.loss[0]
    assert curves.training_accuracy[-1] == curves.test_accuracy[-1] > 0.5  # the same images


def test_one_phase_is_a_training_as_ever() -> None:
    """The last loss, in evaluation mode, of a network trained by itself is that of the curve."""
    from layerpeel.gpu_train.training import seeded, train

    rng = np.random.default_rng(0)
    model = seeded(lambda: feed_forward(4, 3, (5, 5)), rng)
    train(model, blobs(), RECIPE, rng)
    model.eval()
    with torch.no_grad():
        loss = float(torch.nn.functional.cross_entropy(model(torch.from_numpy(blobs().pixels)), torch.from_numpy(blobs().labels)))
    phases = [Phase(part="all", recipe=RECIPE)]
    curves = train_in_phases(lambda: feed_forward(4, 3, (5, 5)), blobs(), blobs(1), phases, np.random.default_rng(0), lower=1)
    assert curves.loss[-1] == pytest.approx(loss, rel=1e-6)


def test_both_regimes_of_the_experiment() -> None:
    units = freezing_units(Plan())
    assert [unit.settings["regime"] for unit in units] == ["joint", "in-turn"]
    theirs = freezing_units(Plan(profile="sources"))[1].settings
    assert (theirs["lower_epochs"], theirs["epochs"], theirs["batch_size"]) == (900, 600, 128)
    settings = {"regime": "in-turn", "trial": 0, "lower_epochs": 2, "epochs": 1, "learning_rate": 1e-3, "optimizer": "adam"}
    arrays = freezing_unit("x", settings, (blobs(), blobs()), device="cpu").run(np.random.default_rng(0), None, lambda _share: None)
    assert arrays["phases"].tolist() == [0, 0, 1]
    assert arrays["fuzziness"].shape == (3, 20)


def test_what_is_no_training_is_refused() -> None:
    def run(lower: int = 1, phases: tuple[Phase, ...] = (Phase(part="all", recipe=RECIPE),)) -> None:
        train_in_phases(lambda: feed_forward(4, 3, (5, 5)), blobs(), blobs(), phases, np.random.default_rng(0), lower=lower)

    refused(lambda: Phase(part="middle", recipe=RECIPE), "part 'middle' is unknown", "all, lower, upper")
    refused(lambda: run(lower=3), "above layer 3 of 3")
    refused(lambda: run(lower=0), "above layer 0 of 3")
    refused(lambda: run(phases=()), "no phases")
    settings = {"regime": "sideways", "lower_epochs": 2, "epochs": 1, "learning_rate": 1e-3}
    refused(lambda: freezing_unit("x", settings, (blobs(), blobs()), device="cpu"), "regime 'sideways' is unknown")
