"""The experiments as lists of units: what they would train at either size, on packaged images and on a folder of the user's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_files import write_cifar, write_idx
from refusals import refused

import layerpeel.gpu_train.experiments.elasticity
import layerpeel.gpu_train.experiments.imbalance
import layerpeel.gpu_train.experiments.separation
from layerpeel.gpu_train import Images
from layerpeel.gpu_train.ensembles import OneByOne, Trajectories
from layerpeel.gpu_train.experiments import EXPERIMENTS, NETWORKS, PANELS, Plan, ensemble_unit, one_thread
from layerpeel.gpu_train.studies import minority_outcome
from layerpeel.gpu_train.training import Recipe

RECIPE = ("epochs", "learning_rate", "batch_size", "optimizer", "weight_decay")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


@pytest.mark.parametrize("profile", ["small", "medium", "sources"])
@pytest.mark.parametrize("experiment", list(EXPERIMENTS))
def test_units_have_names_and_settings_of_their_own(experiment: str, profile: str) -> None:
    units = EXPERIMENTS[experiment](Plan(profile=profile))
    assert len({unit.name for unit in units}) == len(units)
    assert len({str(sorted(unit.settings.items())) for unit in units}) == len(units)


def test_the_sources_sizes() -> None:
    (clean,) = EXPERIMENTS["geomnist"](Plan(profile="sources"))
    assert (clean.settings["iterations"], clean.settings["trials"], clean.settings["learning_rate"]) == (100_000, 100, 0.005)
    sweep = EXPERIMENTS["label-noise"](Plan(profile="sources"))
    assert [unit.settings["label_error"] for unit in sweep] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.8])
    assert {unit.settings["epochs"] for unit in EXPERIMENTS["separation"](Plan(profile="sources"))} == {600}
    (recipe,) = {tuple(unit.settings[name] for name in RECIPE) for unit in EXPERIMENTS["imbalance"](Plan(profile="sources"))}
    assert recipe == (350, 0.1, 128, "momentum", 5e-4)


def test_the_nine_panels_are_the_sources() -> None:
    units = EXPERIMENTS["separation"](Plan(profile="sources"))
    panels = {unit.settings["variant"]: unit.settings for unit in units if unit.settings["variant"] in PANELS}
    rates = {name: settings["learning_rate"] for name, settings in panels.items()}
    assert [rates[f"source-{optimizer}-{depth}"] for optimizer in ("sgd", "momentum", "adam") for depth in (4, 8, 20)] == [
        *(0.3, 0.03, 0.01),
        *(0.3, 0.01, 0.001),
        *(3e-3, 1e-3, 3e-4),
    ]
    for name, settings in panels.items():
        assert settings["widths"] == (100,) * (int(name.rpartition("-")[2]) - 1)
        assert (settings["epochs"], settings["batch_size"], settings["weight_decay"], settings["drops"]) == (600, 128, 5e-4, (1 / 3, 2 / 3))
        assert (settings["batch_norm"], settings["linear"], settings["imbalance"]) == (True, False, 1.0)


def test_the_sources_images_go_from_minus_one_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        """What was to be seen was seen."""

    seen: dict[str, Images] = {}

    def only_look(_build: Any, images: Images, *_arguments: Any, **_options: Any) -> None:
        seen["images"] = images
        raise Enough

    monkeypatch.setattr(layerpeel.gpu_train.experiments.separation, "separation_curves", only_look)
    units = {unit.name: unit for unit in EXPERIMENTS["separation"](Plan(profile="sources"))}
    for name, least in (("source-adam-8-trial-0", -1.0), ("depth-8-trial-0", 0.0)):
        with pytest.raises(Enough):
            units[name].run(np.random.default_rng(0), None, lambda _share: None)
        assert (seen["images"].pixels.min(), seen["images"].pixels.max()) == (least, pytest.approx(1.0, abs=0.01))
        assert seen["images"].counts.tolist() == [100] * 10
        assert seen["images"].pixels.shape[1:] == (1, 10, 10)


def test_units_train_by_the_recipe_that_their_settings_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    used: list[Recipe] = []

    class Enough(Exception):
        """What was to be seen was seen."""

    def only_look(*arguments: Any, **_options: Any) -> None:
        used.extend(argument for argument in arguments if isinstance(argument, Recipe))
        raise Enough

    monkeypatch.setattr(layerpeel.gpu_train.experiments.imbalance, "minority_outcome", only_look)
    monkeypatch.setattr(layerpeel.gpu_train.experiments.separation, "separation_curves", only_look)
    for experiment in ("imbalance", "separation"):
        for unit in EXPERIMENTS[experiment](Plan()):
            with pytest.raises(Enough):
                unit.run(np.random.default_rng(0), tmp_path / "checkpoint", lambda _share: None)
            assert tuple(getattr(used[-1], name) for name in RECIPE) == tuple(unit.settings[name] for name in RECIPE)
            assert used[-1].weight_decay > 0.0 or unit.settings["variant"] == "no-batch-norm"


def test_imbalance_at_the_sources_size_trains_convolutional_nets_and_keeps_to_the_images_there_are(tmp_path: Path) -> None:
    grey = EXPERIMENTS["imbalance"](Plan(profile="sources", data=write_idx(tmp_path / "grey", (100,) * 10)))
    colour = EXPERIMENTS["imbalance"](Plan(profile="sources", data=write_cifar(tmp_path / "colour", (35,) * 10)))
    assert {unit.settings["network"] for unit in grey} == {"vgg-11", "resnet-18"}
    assert {unit.settings["network"] for unit in colour} == {"vgg-13", "resnet-18"}
    assert {unit.settings["imbalance"] for unit in grey} == {1, 3, 10, 30, 100}
    assert {unit.settings["imbalance"] for unit in colour} == {1, 3, 10, 30}
    assert {unit.settings["oversampling"] for unit in colour} == {1, 3, 10, 30}
    medium = EXPERIMENTS["imbalance"](Plan(profile="medium", data=write_idx(tmp_path / "medium", (300,) * 10)))
    assert {(unit.settings["network"], unit.settings["most"]) for unit in medium} == {("feed-forward", 300), ("vgg-11-thin", 200)}


@pytest.mark.parametrize(("network", "channels", "features"), [("vgg-11", 1, 512), ("vgg-11-thin", 1, 64), ("resnet-18", 3, 512)])
def test_the_energies_of_convolutional_nets_are_those_of_the_classifiers_input(network: str, channels: int, features: int) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((20, channels, 32, 32), dtype=np.float32)
    images = Images(pixels=pixels, labels=np.repeat(np.arange(10), 2), num_classes=10, name="noise")
    kept: list[torch.nn.Module] = []

    def build() -> torch.nn.Module:
        kept.append(NETWORKS[network](channels))
        return kept[0]

    found = minority_outcome(build, images, images, range(5, 10), Recipe(epochs=1, learning_rate=0.01, batch_size=10), rng)
    assert found.classifier.shape == (10, features)
    trunk = torch.nn.Sequential(*list(kept[0].children())[:-1]).eval()
    with torch.no_grad():
        inputs = trunk(torch.from_numpy(pixels)).numpy().astype(float)
    assert found.feature_energy == pytest.approx((inputs**2).sum() / 20, rel=1e-5)


@pytest.mark.parametrize(("form", "channels"), [("idx", 1), ("cifar", 3)])
def test_ensembles_on_the_first_classes_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, channels: int) -> None:
    seen: list[tuple[Images, Images]] = []

    def shortly(build: Any, images: Images, validation: Images, recipe: OneByOne, rng: Any, **options: Any) -> Trajectories:
        seen.append((images, validation))
        assert recipe.iterations == 10_000
        options |= {"progress": lambda _done: None, "checkpoint": None}
        return original(build, images, validation, OneByOne(iterations=4, trials=2, every=2), rng, **options)

    original = layerpeel.gpu_train.experiments.elasticity.train_one_by_one
    monkeypatch.setattr(layerpeel.gpu_train.experiments.elasticity, "train_one_by_one", shortly)
    folder = (write_idx if form == "idx" else write_cifar)(tmp_path / "images")
    units = EXPERIMENTS["geomnist"](Plan(data=folder))
    assert [unit.name for unit in units] == ["classes-2", "classes-3"]
    for classes, unit in zip((2, 3), units, strict=True):
        arrays = unit.run(np.random.default_rng(0), tmp_path / "checkpoint", lambda _share: None)
        assert arrays["logits"].shape == (2, 3, classes, classes)
        images, validation = seen[-1]
        assert images.pixels.shape == (110 * classes, channels, 32, 32)
        assert (images.counts.tolist(), validation.counts.tolist()) == ([110] * classes, [12] * classes)
        assert str(classes) in unit.settings["images"]


def test_ensembles_in_the_sources_size_have_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[torch.nn.Module] = []

    class Enough(Exception):
        """What was to be seen was seen."""

    def only_build(build: Any, *_arguments: Any, **_options: Any) -> None:
        built.append(build())
        raise Enough

    monkeypatch.setattr(layerpeel.gpu_train.experiments.elasticity, "train_one_by_one", only_build)
    for profile, channels in (("small", 8), ("sources", 6)):
        with pytest.raises(Enough):
            EXPERIMENTS["geomnist"](Plan(profile=profile))[0].run(np.random.default_rng(0), None, lambda _share: None)
        assert next(built[-1].parameters()).shape[0] == channels
    assert [unit.settings.get("network") for unit in EXPERIMENTS["geomnist"](Plan(profile="medium"))] == [None, "lenet"]
    settings = {"iterations": 1, "network": "resnet"}
    blank = Images(pixels=np.zeros((1, 1, 32, 32), np.float32), labels=np.zeros(1, np.int64), num_classes=1, name="blank")
    refused(lambda: ensemble_unit("x", settings, lambda _rng: (blank, blank), device="cpu"), "network 'resnet' is unknown")
