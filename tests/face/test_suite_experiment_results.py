"""What the command `train` says of a run: records and figures against numbers worked out beside them, and the run directory itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_schemas import valid
from refusals import refused

from layerpeel.cli import main
from layerpeel.networks.label_error_results import LabelErrorRow
from layerpeel.networks.run_directory import Arrays, Run, run_experiment
from layerpeel.networks.strengths_results import StrengthsRow
from layerpeel.networks.training_run import meanings, summarise
from layerpeel.numerics import mean_cosine, nonnegative_optimum, refitted_means
from layerpeel.pages.figure_file import figure_file
from layerpeel.solvers import LayerPeeled, solve

pytest.importorskip("torch")

from layerpeel.gpu_train.experiments import EXPERIMENTS, Plan, Unit
from layerpeel.gpu_train.studies import Progress


def finished(experiment: str, units: Sequence[tuple[dict[str, Any], Arrays]]) -> Run:
    config = {"profile": "small", "seed": 0, "data": None, "checksum": None, "device": "cpu", "versions": {"layerpeel": "0"}}
    return Run(
        experiment=experiment,
        directory=Path("run"),
        config=config,
        units={str(number): unit for number, unit in enumerate(units)},
        reused=0,
    )


def shown(run: Run) -> tuple[Any, ...]:
    """The rows of a result whose JSON and figures can be written."""
    found = summarise(run)
    assert f"<h1>Experiment {run.experiment}</h1>" in found.to_page()
    assert found.to_text()
    valid(found)
    assert len(found.to_dict()["figures"]) == len(found.figures())
    assert all("<svg" in figure_file(figure) for figure in found.figures())
    return found.results


def minority(ratio: float, factor: float, cosine: float, *, energy: float = 3.0, learned: float = 1.0) -> tuple[dict[str, Any], Arrays]:
    accuracy = np.array([0.9] * 5 + [0.4] * 5)
    arrays = {
        "minority_cosine": cosine,
        "accuracy": accuracy,
        "training_accuracy": np.array([1.0] * 5 + [learned] * 5),
        "feature_energy": energy,
        "sample_energy": 0.8 * energy,
        "weight_energy": 1.0,
        "weight_decay": 0.005,
        "counts": [200] * 5 + [200 / ratio] * 5,
        "minority": range(5, 10),
    }
    return {"network": "feed-forward", "imbalance": ratio, "oversampling": factor}, {
        name: np.asarray(value) for name, value in arrays.items()
    }


def test_oversampled_minorities_are_predicted_at_the_imbalance_that_is_left() -> None:
    units = [minority(10, 1.0, 0.1), minority(10, 1.0, 0.3), minority(10, 5.0, 0.0), minority(10, 5.0, 0.0)]
    units += [minority(2, 1.0, -0.1), minority(2, 1.0, -0.1)]
    plain, remedied, mild = shown(finished("imbalance", units))
    assert plain.minority_cosine == pytest.approx(0.2)
    assert plain.standard_deviation == pytest.approx(np.sqrt(0.02))
    assert (plain.majority_accuracy, plain.minority_accuracy, plain.trials) == pytest.approx((0.9, 0.4, 2))
    by_class, by_sample = (
        solve(LayerPeeled(counts=[10] * 5 + [1] * 5, feature_energy=energy, norm_weights=mean)).groups[-1].within_cosine
        for mean, energy in (("class", 3.0), ("sample", 2.4))
    )
    assert plain.class_averaged_cosine == pytest.approx(by_class)
    assert plain.predicted_cosine == pytest.approx(by_sample)
    alone = nonnegative_optimum([10] * 5 + [1] * 5, weight_decay=0.005)
    assert plain.weight_decay_cosine == pytest.approx(mean_cosine(alone.classifier[5:]))
    with_relu = nonnegative_optimum([10] * 5 + [1] * 5, feature_energy=2.4)
    assert plain.nonnegative_cosine == pytest.approx(mean_cosine(with_relu.classifier[5:]))
    assert remedied.predicted_cosine == pytest.approx(mild.predicted_cosine)  # ten to one, five times as often, is two to one
    assert remedied.standard_deviation == 0.0


def test_a_minority_that_vanishes_has_no_predicted_cosine() -> None:
    (row,) = shown(finished("imbalance", [minority(100, 1.0, 1.0, energy=0.01)]))
    assert np.isnan(row.predicted_cosine)
    assert np.isnan(row.class_averaged_cosine)


def test_networks_that_never_learned_the_minority_are_counted_apart() -> None:
    (row,) = shown(finished("imbalance", [minority(100, 1.0, 0.9, learned=0.2), minority(100, 1.0, 0.5), minority(100, 1.0, 0.4)]))
    assert (row.learned, row.trials) == (2, 3)
    assert row.minority_training_accuracy == pytest.approx(2.2 / 3)


def test_excess_is_measured_from_the_certified_lower_bound_and_not_rounded_up() -> None:
    optimum = solve(LayerPeeled(counts=[3, 3, 1, 1], feature_energy=5.0)).value
    values = [optimum.lower + np.array([1.0, 1e-3, excess]) for excess in (1e-6, 0.0)]
    units = [
        (
            {"imbalance": 3},
            {"counts": np.array([3, 3, 1, 1]), "energies": np.array([5.0, 1.0]), "values": value, "steps": np.array([0, 100, 200])},
        )
        for value in values
    ]
    (row,) = shown(finished("unconstrained", units))
    assert row.largest_excess == pytest.approx(1e-6, rel=1e-9)
    assert row.least_excess == 0.0
    assert row.certified_value == optimum.upper


def test_the_law_of_each_variant_is_fitted_at_the_last_epoch() -> None:
    def curves(variant: str, ratio: float) -> tuple[dict[str, Any], Arrays]:
        last = 8.0 * ratio ** np.arange(5.0)
        both = np.array([np.ones(5) + np.arange(5), last])
        arrays = {
            "epochs": [0, 5],
            "fuzziness": both,
            "test_fuzziness": both**2,
            "batch_fuzziness": both**0.5,
            "nc1": [2.0, 0.1],
            "accuracy": [1.0, 0.75],
            "rank_between": [9] * 4 + [8],
        }
        arrays["by_class"] = np.stack([last, 2.0 * last], axis=1)
        return {"variant": variant}, {name: np.asarray(value) for name, value in arrays.items()}

    dead, alive = curves("no-batch-norm", 0.5), curves("no-batch-norm", 0.6)
    dead[1]["fuzziness"][-1, 2:] = np.inf
    units = [curves("depth-8", 0.4), curves("depth-8", 0.625), curves("linear", 0.9), dead, alive]
    deep, linear, died = shown(finished("separation", units))
    assert deep.decay_ratio == pytest.approx(0.5)  # the mean over trials of log ρ, as of the line in the figure
    assert (deep.least_ratio, deep.largest_ratio, deep.test_ratio) == pytest.approx((0.4, 0.625, 0.25))
    assert (deep.batch_ratio, deep.batch_pearson, deep.talk_ratio) == (pytest.approx(np.sqrt(0.5)), pytest.approx(-1.0), None)
    assert (died.decay_ratio, died.least_ratio, died.trials, died.batch_ratio) == (None, None, 2, None)
    assert deep.rank_between == 8
    assert linear.decay_ratio == pytest.approx(0.9)
    assert (deep.pearson, deep.max_residual, deep.curvature) == pytest.approx((-1.0, 0.0, 0.0), abs=1e-12)
    assert deep.final_log_d == pytest.approx(np.log(0.5))  # 8 · ρ⁴
    assert (deep.train_accuracy, deep.test_accuracy, deep.trials) == (1.0, 0.75, 2)


def test_the_panels_of_the_source_stand_beside_what_its_talk_prints() -> None:
    def panel(variant: str, layers: int) -> tuple[dict[str, Any], Arrays]:
        last = 8.0 * 0.5 ** np.arange(float(layers))
        arrays = {name: np.array([last]) for name in ("fuzziness", "test_fuzziness", "batch_fuzziness")}
        others = {"epochs": [5], "nc1": [0.1], "accuracy": [1.0, 0.75], "rank_between": [9] * layers, "by_class": np.stack([last, last], 1)}
        return {"variant": variant}, arrays | {name: np.asarray(value) for name, value in others.items()}

    run = finished("separation", [panel("source-adam-8", 8), panel("source-adam-4", 4)])
    eight, four = shown(run)
    assert (eight.talk_ratio, four.talk_ratio) == (0.53, None)
    titles = {drawn.title: drawn for drawn in summarise(run).figures()}
    assert "Evaluation mode and training mode" in titles
    assert [series.label for series in titles["Adam as the source trains it"].series] == [
        "source-adam-4: ρ = 0.500",
        "",
        "source-adam-8: ρ = 0.500",
        "",
    ]
    printed = {each.quantity: (each.printed, each.here) for each in summarise(run).beside_source}
    assert printed["ρ of eight layers, Adam, training mode"] == ("0.53", "0.5")
    differing = {each.setting: each.here for each in summarise(run).differing_settings}
    assert differing["images"] == "packaged MNIST, 100 of each class"


def ensemble(label_error: float) -> tuple[dict[str, Any], Arrays]:
    """Logits of the L-model with α = 0.03 and β = −0.01, as if networks had followed it from the start."""
    times = np.arange(41.0)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 1.5]])
    logits = refitted_means(start, 0.3 * times / 10, -0.1 * times / 10, model="L")
    arrays = {"iterations": times, "logits": np.stack([logits, logits]), "accuracy": np.ones((2, 41)), "loss": np.full((2, 41), 0.2)}
    return {"label_error": label_error, "images": "GeoMNIST", "iterations": 40, "trials": 2}, arrays


def test_strengths_are_counted_from_where_the_networks_have_left_their_plateau() -> None:
    settings, arrays = ensemble(0.0)
    accuracy = np.where(np.arange(41) < 17, 0.6, 0.7)  # half-way from 1/3 to 1 lies 2/3
    rows = shown(finished("geomnist", [(settings, {**arrays, "accuracy": np.stack([accuracy, accuracy])})]))
    assert [row.since for row in rows] == [17.0, 17.0]
    never = {**arrays, "accuracy": np.full((2, 41), 0.4)}
    assert [row.since for row in shown(finished("geomnist", [(settings, never)]))] == [10.0, 10.0]
    late, early = never, {**arrays, "accuracy": np.ones((2, 41))}
    assert [row.since for row in shown(finished("label-noise", [(settings, late), (settings, early)]))] == [10.0, 10.0]


def test_bars_are_two_standard_errors_and_absolute_values_stand_apart() -> None:
    settings, arrays = ensemble(0.1)
    noisy = arrays["logits"] * np.array([1.0, 1.02])[:, None, None, None] ** np.arange(41)[:, None, None]
    crossing = np.where(np.arange(41) % 2, 1.0, -1.0)[:, None, None] * np.random.default_rng(0).normal(size=(3, 3))
    wild = {**arrays, "logits": np.stack([crossing, crossing])}
    found = summarise(finished("label-noise", [(settings, {**arrays, "logits": noisy}), ({**settings, "label_error": 0.5}, wild)]))
    row, figures = found.results[0], found.figures()
    assert isinstance(row, LabelErrorRow)
    own, apart = figures[2].series
    assert (own.x, apart.x) == ((0.1,), (0.5,))
    assert own.y[0] == row.cumulative_difference
    assert row.cumulative_difference_error is not None
    wide = 2.0 * row.cumulative_difference_error
    assert (own.low[0], own.high[0]) == pytest.approx((row.cumulative_difference - wide, row.cumulative_difference + wide))
    assert [series.x for series in figures[3].series] == [(0.1,)] * 3
    assert figures[2].marks[0][0] == pytest.approx(2.0 / 3.0)


def test_strengths_of_an_ensemble_that_follows_the_l_model() -> None:
    free, bound = shown(finished("geomnist", [ensemble(0.0)]))
    assert (free.model, bound.model) == ("I", "L")
    assert (bound.cumulative_intra, bound.cumulative_inter) == pytest.approx((1.2, -0.4), rel=1e-6)
    assert bound.final_relative_difference < 1e-9 < free.final_relative_difference
    assert bound.source_relative_difference < 1e-6 < free.source_relative_difference
    (row,) = shown(finished("label-noise", [ensemble(0.2)]))
    assert row.cumulative_difference == pytest.approx(1.6 * 30 / 40, rel=1e-6)  # from a quarter of the run on
    assert (row.label_error, row.accuracy, row.loss) == pytest.approx((0.2, 1.0, 0.2))


def test_a_record_says_where_absolute_values_were_taken() -> None:
    settings, arrays = ensemble(0.0)
    crossing = np.where(np.arange(41) % 2, 1.0, -1.0)[:, None, None] * np.random.default_rng(0).normal(size=(3, 3))
    assert [row.crossings for row in shown(finished("geomnist", [(settings, arrays)]))] == ["drop", "drop"]
    rows = shown(finished("geomnist", [(settings, {**arrays, "logits": np.stack([crossing, crossing])})]))
    assert [row.crossings for row in rows] == ["keep", "keep"]
    assert all(row.crossing_components > 0 for row in rows)
    told = dict(meanings(StrengthsRow))
    assert "absolute values" in told["crossings"]
    assert not {"iterations", "intra", "relative difference"} & set(told)  # curves are in no table


@pytest.mark.parametrize("classes", [2, 3])
def test_cosines_are_drawn_where_they_can_differ_and_classes_named_once(classes: int) -> None:
    settings, arrays = ensemble(0.0)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 1.5]])[:classes, :classes]
    logits = refitted_means(start, 0.03 * arrays["iterations"], -0.01 * arrays["iterations"], model="L")
    drawn = summarise(finished("geomnist", [(settings, {**arrays, "logits": np.stack([logits, logits])})])).figures()
    titles = [figure.title for figure in drawn]
    assert any("Cosines" in title for title in titles) == (classes > 2)  # of two centred means it is −1, whatever they are
    (own,) = [figure for figure in drawn if figure.title.startswith("Simulated against genuine class means, L-model")]
    assert [series.label for series in own.series if series.label] == [f"class {k}" for k in range(classes)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An experiment of two units that draw a number each; the list says which of them ran."""
    ran: list[str] = []

    def unit(name: str) -> Unit:
        def run(rng: np.random.Generator, _checkpoint: Path | None, _progress: Progress) -> dict[str, np.ndarray]:
            ran.append(name)
            return {"drawn": rng.random(3)}

        return Unit(name=name, settings={"name": name}, run=run)

    monkeypatch.setattr("layerpeel.gpu_train.experiments.EXPERIMENTS", {**EXPERIMENTS, "counted": lambda _plan: [unit("a"), unit("b")]})
    return ran


def test_a_resumed_run_makes_what_is_missing_and_the_same(counted: list[str], tmp_path: Path) -> None:
    run_experiment("counted", Plan(), tmp_path / "whole", resume=False)
    run_experiment("counted", Plan(), tmp_path / "cut", resume=False)
    (tmp_path / "cut" / "units" / "b.npz").unlink()
    del counted[:]
    again = run_experiment("counted", Plan(), tmp_path / "cut", resume=True)
    assert (counted, again.reused) == (["b"], 1)
    for name in ("a", "b"):
        np.testing.assert_array_equal(np.load(tmp_path / "whole" / "units" / f"{name}.npz")["drawn"], again.units[name][1]["drawn"])
    assert not np.array_equal(again.units["a"][1]["drawn"], again.units["b"][1]["drawn"])


def test_directories_of_anything_else_are_refused(counted: list[str], tmp_path: Path) -> None:
    run_experiment("counted", Plan(), tmp_path / "run", resume=False)
    refused(lambda: run_experiment("counted", Plan(), tmp_path / "run", resume=False), "resume it")
    for plan in (Plan(seed=1), Plan(profile="sources")):
        refused(lambda plan=plan: run_experiment("counted", plan, tmp_path / "run", resume=True), "another configuration", "not mixed")
    (tmp_path / "run" / "units" / "a.npz").write_bytes(b"PK")
    refused(lambda: run_experiment("counted", Plan(), tmp_path / "run", resume=True), "a.npz cannot be read", "remove it")
    (tmp_path / "run" / "config.json").write_bytes(b"\xff")
    refused(lambda: run_experiment("counted", Plan(), tmp_path / "run", resume=True), "config.json cannot be read")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").touch()
    refused(lambda: run_experiment("counted", Plan(), tmp_path / "foreign", resume=False), "not a run's")
    refused(lambda: run_experiment("counted", Plan(), tmp_path / "foreign" / "thesis.tex", resume=False), "is a file")
    assert counted == ["a", "b"]


def test_images_that_cannot_be_used_leave_no_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    for command in (["imbalance", "--data", str(tmp_path)], ["unconstrained", "--data", str(tmp_path)], ["imbalance", "--device", "tpu"]):
        assert main(["train", *command, "--out", str(out)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert not out.exists()


def test_a_kill_before_the_first_file_was_in_place_leaves_a_usable_directory(counted: list[str], tmp_path: Path) -> None:
    (tmp_path / ".config.partial.json").write_text("{")
    assert run_experiment("counted", Plan(), tmp_path, resume=False).reused == 0
    assert counted == ["a", "b"]


def test_a_diverging_network_ends_the_run_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from layerpeel.gpu_train.training import TrainingDiverged

    def run(_rng: np.random.Generator, _checkpoint: Path | None, _progress: Progress) -> dict[str, np.ndarray]:
        raise TrainingDiverged("the loss is nan in epoch 1 of 5: no checkpoint was kept; lower the learning rate.")

    monkeypatch.setattr("layerpeel.gpu_train.experiments.EXPERIMENTS", {"separation": lambda _plan: [Unit(name="a", settings={}, run=run)]})
    assert main(["train", "separation", "--out", str(tmp_path / "run")]) == 1
    assert "the loss is nan in epoch 1 of 5" in capsys.readouterr().err


def test_the_last_d_is_held_against_depth_for_each_data_set() -> None:
    def depth(images: str, hidden: int, last: tuple[float, float]) -> tuple[dict[str, Any], Arrays]:
        arrays = {"fuzziness": np.array([[9.0, value] for value in last]), "test_fuzziness": np.array([1.0, 4.0])}
        return {"images": images, "hidden": hidden, "trials": 2}, {**arrays, "accuracy": np.array([[1.0, 0.5], [0.5, 0.25]])}

    units = [depth("mnist", 1, (1.0, 4.0)), depth("mnist", 3, (1.0, 1.0)), depth("fashion-mnist", 1, (3.0, 3.0))]
    run = finished("depths", units)
    one, three, other = shown(run)
    assert (one.last_d, one.least_last_d, one.largest_last_d, one.test_last_d) == pytest.approx((2.0, 1.0, 4.0, 2.0))
    assert (one.train_accuracy, one.test_accuracy) == (0.75, 0.375)
    assert (one.best, three.best, other.best) == (False, True, True)
    (training, _) = summarise(run).figures()
    assert [series.label for series in training.series] == ["mnist", "fashion-mnist"]
    assert (training.series[0].x, training.series[0].y) == ((1.0, 3.0), pytest.approx((2.0, 1.0)))
    dead = depth("mnist", 3, (1.0, np.inf))
    assert shown(finished("depths", [units[0], dead]))[1].last_d is None


def test_layers_in_turn_and_at_once_are_compared_at_the_loss_that_both_reach() -> None:
    def training(regime: str, loss: list[float], phases: list[int]) -> tuple[dict[str, Any], Arrays]:
        looks = np.arange(len(loss))
        arrays = {
            "phases": phases,
            "epochs": 10 * (looks + 1),
            "loss": loss,
            "training_accuracy": 0.1 * looks,
            "test_accuracy": 0.05 * looks,
        }
        fuzziness = 8.0 * (0.9 - 0.1 * looks[:, None]) ** np.arange(5.0)
        settings = {"regime": regime, "trial": 0, "lower_epochs": 10, "epochs": 20}
        return settings, {name: np.asarray(value) for name, value in (arrays | {"fuzziness": fuzziness}).items()}

    joint = training("joint", [1.0, 0.5, 0.2, 0.01], [0] * 4)
    turned = training("in-turn", [0.1, 0.6, 0.4, 0.3], [0, 1, 1, 1])  # the first phase does not count, however low its loss
    run = finished("freezing", [joint, turned])
    whole, parts = shown(run)
    assert (whole.loss, whole.epochs, whole.test_accuracy, whole.final_loss) == pytest.approx((0.2, 30, 0.1, 0.01))
    assert (parts.loss, parts.epochs, parts.test_accuracy, parts.final_loss) == pytest.approx((0.3, 40, 0.15, 0.3))
    assert (whole.decay_ratio, parts.decay_ratio) == pytest.approx((0.7, 0.6))
    told = {each.quantity: (each.printed, each.here) for each in summarise(run).beside_source}
    assert told["test accuracy, in turn; there on CIFAR-10"] == ("18.25 %", "15.00 %")
    assert "10, then 20" in {each.here for each in summarise(run).differing_settings}


@pytest.mark.parametrize("experiment", ["widths", "architectures", "sentences"])
def test_other_networks_have_a_law_each(experiment: str) -> None:
    def curves(variant: str, ratio: float) -> tuple[dict[str, Any], Arrays]:
        last = 8.0 * ratio ** np.arange(6.0)
        arrays: dict[str, Any] = {
            "fuzziness": [last],
            "test_fuzziness": [last],
            "batch_fuzziness": np.zeros((1, 0)),
            "accuracy": [1.0, 0.5],
        }
        others = {"epochs": [5], "nc1": [0.1], "rank_between": [1] * 6, "by_class": np.stack([last, last], 1)}
        return {"variant": variant, "epochs": 5}, {name: np.asarray(value) for name, value in (arrays | others).items()}

    run = finished(experiment, [curves("one", 0.5), curves("other", 0.25)])
    rows = shown(run)
    assert [row.decay_ratio for row in rows] == pytest.approx([0.5, 0.25])
    labels = [series.label for figure in summarise(run).figures() for series in figure.series if series.label]
    assert [label.split(":")[0] for label in labels] == ["one", "other"]
    assert "What the columns mean" in summarise(run).to_page()


def test_tables_of_many_columns_are_cut_and_keep_what_tells_rows_apart() -> None:
    rows = [minority(ratio, 1.0, 0.1) for ratio in (1, 2, 3, 4, 5, 6, 8, 10, 20)]
    text = summarise(finished("imbalance", rows)).to_text()
    blocks = text.split("\n\n")
    heads = [block.split("\n")[0] for block in blocks[:-1]]
    assert len(heads) == 2
    assert all(head.startswith("network") for head in heads)
    assert max(map(len, heads)) < 160
