"""What `layerpeel remedy` says about too much oversampling."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.counts.remedy import remedy, remedy_of
from layerpeel.counts.threshold import thresholds
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures, solve


def test_nothing_collapses_inside_the_safe_interval_of_two_groups() -> None:
    problem = LayerPeeled.from_groups([(3, 4000), (7, 100)], feature_energy=0.5)
    record = remedy_of(problem)
    low, high = record.safe_oversampling
    assert high is not None
    assert record.collapses_now
    assert record.minimal_oversampling == low < record.imbalance < high
    for w, expected in ((low * 1.001, False), (high * 0.999, False)):
        assert solve(problem.reweighted(1, w)).collapsed == (expected, expected)
    assert solve(problem.reweighted(1, low * 0.999)).collapsed == (False, True)
    assert solve(problem.reweighted(1, high * 1.001)).collapsed == (True, False)


def test_a_majority_of_one_class_has_no_upper_end() -> None:
    record = remedy_of(LayerPeeled.from_groups([(1, 5000), (5, 50)], feature_energy=0.5))
    assert record.safe_oversampling == (pytest.approx(record.minimal_oversampling), None)
    assert "would collapse instead" not in record.to_text()


def test_with_more_groups_the_upper_end_is_named_too() -> None:
    record = remedy_of(LayerPeeled.from_groups([(3, 100), (3, 14), (1, 8)], feature_energy=0.3))
    (group,) = record.groups
    low, high = group.safe_oversampling
    assert high is not None
    assert group.minimal_oversampling == low < high
    assert f"From {high:.6g} times as often on" in record.to_text()


PER_SAMPLE: dict[str, Any] = {"feature_energy": 1.0, "norm_weights": "sample"}


@pytest.mark.parametrize("model", [PER_SAMPLE, {"weight_decay": 0.2}], ids=["energies", "weight decay"])
@pytest.mark.parametrize("by", ["oversampling", "weights"])
def test_nothing_collapses_inside_the_safe_interval_per_sample(model: dict[str, Any], by: str) -> None:
    kind = UnconstrainedFeatures if "weight_decay" in model else LayerPeeled
    problem = kind.from_groups([(3, 1000), (3, 100)], **model)
    record = remedy_of(problem, by=by)
    low, high = record.safe_oversampling
    assert high is not None
    assert record.collapses_now
    assert (record.by, record.norm_weights) == (by, "sample")
    for w, expected in (
        (low * 1.001, (False, False)),
        (high * 0.999, (False, False)),
        (low * 0.999, (False, True)),
        (high * 1.001, (True, False)),
    ):
        assert solve(problem.reweighted(1, w, by=by), tolerance=1e-11).collapsed == expected


def test_a_weight_separates_where_sampling_as_often_does_not() -> None:
    found = {by: remedy([1000] * 3 + [100] * 3, by=by, **PER_SAMPLE) for by in ("oversampling", "weights")}
    assert found["weights"].minimal_oversampling < 2.0 < found["oversampling"].minimal_oversampling
    assert found["weights"].threshold == found["oversampling"].threshold == pytest.approx(3.5152115)
    assert "Sample each of their examples more than 2.84478 times as often to keep them apart;" in found["oversampling"].to_text()
    assert "Weigh each of their examples more than 1.77823 times as much in the loss to keep them apart.\n" in found["weights"].to_text()
    assert "balanced" not in found["weights"].to_text()  # the norms are not
    per_class = [remedy([1000] * 3 + [100] * 3, feature_energy=1.0, by=by, target_cosine=None).to_dict() for by in found]
    assert per_class[0] | {"by": "weights"} == per_class[1]


def test_more_groups_per_sample_are_bracketed_by_solves() -> None:
    problem = UnconstrainedFeatures.from_groups([(3, 1000), (3, 100), (3, 10)], weight_decay=0.1)
    sampled, weighed = (remedy_of(problem, by=by) for by in ("oversampling", "weights"))
    for first, second in zip(sampled.groups, weighed.groups, strict=True):
        assert first.threshold == second.threshold
        assert first.collapses_now == second.collapses_now
    low = weighed.groups[1].minimal_oversampling
    assert sampled.groups[1].collapses_now
    for w, collapsed in ((low * 1.001, False), (low * 0.999, True)):
        assert solve(problem.reweighted(2, w, by="weights"), tolerance=1e-11).collapsed[2] is collapsed
    assert weighed.figures()[0].series


def test_a_bias_and_numbers_are_refused() -> None:
    for options in (dict[str, Any](norm_weights=[1.0, 2.0]), dict[str, Any](bias_penalty=0.1)):
        problem = LayerPeeled.from_groups([(3, 100), (3, 14)], feature_energy=0.3, **options)
        refused(lambda problem=problem: remedy_of(problem), "a remedy does not cover", "'class' or 'sample'")
    refused(lambda: remedy([9, 9, 4, 4], feature_energy=1.0, by="luck"), "by='luck'")
    refused(lambda: remedy([9, 9, 4, 4], feature_energy=1.0, weight_decay=0.1), "both energies and a weight decay")


@pytest.mark.parametrize(
    "options",
    [["--feature-energy", "1", "--norm-weights", "sample"], ["--weight-decay", "0.2"], ["--weight-decay", "0.2", "--by", "weights"]],
    ids=["energies", "weight decay", "weights"],
)
def test_the_command_poses_what_the_options_say(capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path) -> None:
    assert main(["remedy", "--groups", "3x1000,3x100", *options, "--json", "--out", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["norm_weights"] == "sample"
    assert found["by"] == ("weights" if "weights" in options else "oversampling")
    assert (tmp_path / "remedy.svg").read_text(encoding="utf-8").startswith("<svg")
    thresholds = ["threshold", "--majority", "3", "--minority", "3", *options[: 4 if "sample" in options else 2], "--json"]
    assert main([*thresholds, "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["collapse"]["value"] == pytest.approx(found["threshold"], rel=1e-12)
    assert told["norm_weights"] == "sample"


def test_the_figure_of_thresholds_says_what_its_axis_is() -> None:
    (energies,) = thresholds(3, 3, **PER_SAMPLE).figures()
    assert "feature energy per sample" in energies.caption
    (decays,) = thresholds(3, 3, weight_decay=0.1).figures()
    assert decays.x_label == "weight decay λ"
    assert "energy" not in decays.caption
    line = decays.series[0]
    finite = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    assert finite
    assert all(y == pytest.approx((1 / x**2 - 3) / 3, rel=1e-9) for x, y in finite)


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ([], ["neither --feature-energy nor --weight-decay"]),
        (["--feature-energy", "1", "--weight-decay", "0.1"], ["both --feature-energy and --weight-decay", "leave one of them out"]),
        (["--weight-energy", "2", "--weight-decay", "0.1"], ["both --weight-energy and --weight-decay"]),
        (["--weight-decay", "0.1", "--norm-weights", "class"], ["--norm-weights class and --weight-decay", "leave --norm-weights out"]),
        (["--feature-energy", "1", "--norm-weights", "samples"], ["--norm-weights 'samples'", "class, sample"]),
        (["--weight-decay", "0.9"], ["weight decay is 0.9", "use a smaller one"]),
    ],
)
@pytest.mark.parametrize("command", [["remedy", "--groups", "3x1000,3x100"], ["threshold", "--majority", "3", "--minority", "3"]])
def test_unusable_models_are_one_sentence(
    capsys: pytest.CaptureFixture[str], command: list[str], options: list[str], fragments: list[str]
) -> None:
    assert main([*command, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert all(fragment in printed.err for fragment in fragments), printed.err
