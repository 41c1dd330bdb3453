"""The tracker: rows against a probe of the same model, the model's prediction, sinks, a page; and Lightning's hooks, by a stub."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from refusals import refused

torch = pytest.importorskip("torch", reason="a tracker measures PyTorch models")

from layerpeel.gpu_train.experiments import one_thread  # noqa: E402 - torch is an extra
from layerpeel.gpu_train.networks import feed_forward  # noqa: E402
from layerpeel.gpu_train.probes import probe  # noqa: E402
from layerpeel.gpu_train.training import seeded  # noqa: E402
from layerpeel.networks import CollapseTracker, TrackedCollapse, collapse_callback, measure  # noqa: E402
from layerpeel.numerics import mean_cosine  # noqa: E402
from layerpeel.solvers import LayerPeeled, solve  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


COUNTS = (40, 40, 6, 6)


def model() -> Any:
    return seeded(lambda: feed_forward(6, 4, [9, 7]), np.random.default_rng(0))


def batches(size: int = 30) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(1)
    labels = rng.permutation(np.repeat(np.arange(4), COUNTS))
    inputs = rng.normal(size=(4, 6))[labels] + 0.3 * rng.normal(size=(len(labels), 6))
    parts = np.array_split(np.arange(len(labels)), len(labels) // size)
    return [(torch.from_numpy(inputs[part].astype(np.float32)), torch.from_numpy(labels[part])) for part in parts]


def test_rows_are_what_a_probe_says_and_what_the_model_foretells() -> None:
    net, logged = model().eval(), []
    tracker = CollapseTracker(net, ["1", "2"], every=2, log=logged.append)
    for epoch in range(4):
        tracker.after_epoch(epoch, batches())
    assert [(row["epoch"], row["layer"]) for row in logged] == [(0, "1"), (0, "2"), (2, "1"), (2, "2")]
    assert all(isinstance(value, float | int | str) for row in logged for value in row.values())
    probed = probe(net, batches(), 4, layers=["1", "2"], nc4=True)
    first, last = tracker.result().rows[:2]
    assert (first.nc3, first.minority_cosine) == (None, None)
    for row, layer in zip((first, last), probed.layers, strict=True):
        assert (row.fuzziness, row.nc1, row.nc3, row.nc4) == (layer.fuzziness, layer.collapse.nc1, layer.collapse.nc3, layer.collapse.nc4)
    assert probed.classifier is not None
    assert last.minority_cosine == mean_cosine(probed.classifier[2:])
    features = torch.cat([net[:3](inputs) for inputs, _ in batches()]).detach().double().numpy()
    assert last.energy == pytest.approx((features**2).sum(axis=1).mean(), rel=1e-5)  # over samples, not over classes
    weight_energy = float((probed.classifier**2).sum() / 4)
    problem = LayerPeeled(counts=COUNTS, feature_energy=last.energy, weight_energy=weight_energy, norm_weights="sample")
    wanted = mean_cosine(solve(problem).classifier[2:])
    assert last.expected_minority_cosine == pytest.approx(wanted, nan_ok=True)
    labels = torch.cat([labels for _, labels in batches()]).numpy()
    assert last.fuzziness == pytest.approx(measure(features, labels).layers[0].fuzziness, rel=1e-5)
    assert not any(module._forward_hooks for module in net.modules())


def test_a_page_with_figures_is_written(tmp_path: Path) -> None:
    tracker = CollapseTracker(model(), ["2"])
    refused(tracker.result, "nothing was measured yet")
    for epoch in range(2):
        tracker.after_epoch(epoch, batches())
    page = tracker.write(tmp_path / "made")
    assert sorted(path.name for path in page.parent.iterdir()) == sorted(TrackedCollapse.FILES)
    record = json.loads((page.parent / "collapse.json").read_text())
    assert [row["epoch"] for row in record["rows"]] == [0, 1]
    assert record["counts"] == list(COUNTS)
    assert "92 samples of 4 classes; layer 2" in tracker.result().to_text()
    assert "<svg" in page.read_text()


def test_equal_counts_and_missing_classes_have_a_page_too(tmp_path: Path) -> None:
    tracker = CollapseTracker(model(), "2", nc4=False)
    tracker.after_epoch(0, [(inputs[labels < 2], labels[labels < 2]) for inputs, labels in batches()])
    found = tracker.result()
    assert (found.num_classes, found.absent_classes) == (2, (2, 3))
    assert "Classes 2, 3 had no sample" in found.to_text()
    assert found.rows[0].minority_cosine is None
    tracker.write(tmp_path)


class Unused(torch.nn.Module):
    """A model with a layer that it never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.spare, self.head = torch.nn.Linear(6, 7), torch.nn.Linear(6, 7), torch.nn.Linear(7, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x))


def test_unusable_trackers() -> None:
    net = model()
    refused(lambda: CollapseTracker(net, ["3.1"]), "layer '3.1' does not exist in the model")
    refused(lambda: CollapseTracker(Unused(), ["bodi"]), "did you mean 'body'?")
    refused(lambda: CollapseTracker(net, []), "no layer is named")
    refused(lambda: CollapseTracker(net, ["1"], every=0), "every")
    refused(lambda: CollapseTracker("net", ["1"]), "a str is tracked")
    refused(lambda: CollapseTracker(net[:2], ["1"]), "the number of classes is not known")
    tracker = CollapseTracker(Unused(), ["spare"], classifier="head")
    refused(lambda: tracker.after_epoch(0, batches()), "layer 'spare' runs 0 times in one forward pass")
    refused(lambda: CollapseTracker(net, ["2"]).after_epoch(0, iter(batches())), "come only once")


# Lightning


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> type:
    """A stand-in for the package: its class of callbacks, and nothing else."""
    package, module = ModuleType("lightning"), ModuleType("lightning.pytorch")
    callback = type("Callback", (), {})
    module.__dict__["Callback"] = callback
    monkeypatch.setitem(sys.modules, "lightning", package)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)
    return callback


class Logger:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[tuple[dict[str, float], int]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.kept.append((metrics, step))


def trained(callback: Any, net: Any, epochs: int = 4) -> Logger:
    """What a trainer calls, in its order."""
    logger = Logger()
    trainer = SimpleNamespace(current_epoch=0, global_step=0, is_global_zero=True, train_dataloader=batches(), logger=logger)
    callback.on_fit_start(trainer, net)
    for epoch in range(epochs):
        trainer.current_epoch, trainer.global_step = epoch, 10 * (epoch + 1)
        callback.on_train_epoch_end(trainer, net)
    callback.on_fit_end(trainer, net)
    return logger


def test_a_lightning_callback_logs_and_writes_its_page(lightning: type, tmp_path: Path) -> None:
    callback = collapse_callback(["2"], every=2, directory=tmp_path / "page")
    assert isinstance(callback, lightning)
    logger = trained(callback, model())
    assert [step for _, step in logger.kept] == [10, 30]
    assert {"2/fuzziness", "2/nc1", "2/minority_cosine", "epoch"} <= set(logger.kept[0][0])
    assert (tmp_path / "page" / "collapse.html").is_file()
    rows: list[dict[str, Any]] = []
    other = collapse_callback(["2"], log=rows.append, batches=batches()[:2])
    assert trained(other, model()).kept == []
    assert len(rows) == 4
    refused(lambda: trained(collapse_callback(["9"]), model()), "layer '9' does not exist")


def test_without_lightning_the_callback_is_refused_and_the_rest_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    refused(lambda: collapse_callback(["2"]), "needs Lightning", "CollapseTracker.after_epoch")
    assert CollapseTracker(model(), ["2"]).after_epoch(0, batches())
