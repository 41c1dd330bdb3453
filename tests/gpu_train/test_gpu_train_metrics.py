"""The torchmetrics metric against the measures in memory, in whatever parts and processes the samples arrive."""

import copy
import importlib
import pickle
import sys

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn
from torchmetrics import MetricCollection

from layerpeel.gpu_train.metrics import CollapseMetric
from layerpeel.numerics import ClassMoments, neural_collapse, separation

AGREEMENT = 1e-12
"""Relative agreement of streamed and stored sums in doubles of well-conditioned data."""

CLASSES, WIDTH = 4, 6


def labelled(offset: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Imbalanced normal data in random order."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(CLASSES), (40, 25, 9, 2)))
    features = offset + 3.0 * rng.normal(size=(CLASSES, WIDTH))[labels] + rng.normal(size=(len(labels), WIDTH))
    return torch.from_numpy(features), torch.from_numpy(labels)


def require_agreement(found: dict[str, torch.Tensor], features: torch.Tensor, labels: torch.Tensor, weights: np.ndarray | None) -> None:
    x, y = features.double().numpy(), labels.numpy()
    expected = neural_collapse(x, y, weights)
    assert found["fuzziness"].item() == pytest.approx(separation(x, y).fuzziness, rel=AGREEMENT)
    for name in ("nc1", "nc2", "cdnv"):
        assert found[name].item() == pytest.approx(getattr(expected, name), rel=AGREEMENT), name
    assert ("nc3" in found) == (weights is not None)
    if weights is not None:
        assert found["nc3"].item() == pytest.approx(expected.nc3, rel=AGREEMENT)
    energy = np.mean([(x[y == k] ** 2).sum(axis=1).mean() for k in range(CLASSES)])
    assert found["energy"].item() == pytest.approx(energy, rel=AGREEMENT)
    assert {value.dtype for value in found.values()} == {torch.float64}
    assert {value.ndim for value in found.values()} == {0}


def streamed(metric: CollapseMetric, features: torch.Tensor, labels: torch.Tensor, size: int) -> CollapseMetric:
    for part in torch.arange(len(labels)).split(size):
        metric(features[part], labels[part])
    return metric


@pytest.mark.parametrize("size", [1, 7, 76])
@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
def test_batches_of_any_size_and_type_agree_with_the_measures_in_memory(size: int, kind: torch.dtype) -> None:
    features, labels = labelled()
    features = features.to(kind)
    head = nn.Linear(WIDTH, CLASSES)
    metric = streamed(CollapseMetric(CLASSES, WIDTH, classifier=lambda: head.weight), features.reshape(-1, 2, 3), labels, size)
    require_agreement(metric.compute(), features, labels, head.weight.detach().double().numpy())
    statistics = metric.statistics()
    assert statistics.counts.tolist() == [40, 25, 9, 2]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_type_of_the_features_is_known_after_batches_and_merges(kind: torch.dtype) -> None:
    features, labels = labelled()
    flat = torch.cat([features, features @ torch.full((WIDTH, 2 * WIDTH), 0.3, dtype=torch.float64)], dim=1)[:, WIDTH:]
    flat = flat * torch.linspace(0.5, 1.7, 2 * WIDTH, dtype=torch.float64)  # class means on a line
    expected = separation(flat.numpy(), labels.numpy())
    assert expected.rank_between == 1
    first, second = (
        streamed(CollapseMetric(CLASSES, 2 * WIDTH), flat.to(kind)[part], labels[part], 7) for part in (labels < 2, labels >= 2)
    )
    first.merge_state(second)
    first.update(flat[:0], labels[:0])
    assert first.compute()["fuzziness"].item() == pytest.approx(expected.fuzziness, rel=0.02)
    assert first.statistics().eps == torch.finfo(kind).eps


def test_the_classifier_is_asked_when_the_metric_is_computed() -> None:
    features, labels = labelled()
    head = nn.Linear(WIDTH, CLASSES)
    metric = streamed(CollapseMetric(CLASSES, WIDTH, classifier=lambda: head.weight), features, labels, 20)
    before = metric.compute()["nc3"]
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(metric.statistics().means - metric.statistics().means.mean(axis=0)))
    metric.update(features[:0], labels[:0])
    assert metric.compute()["nc3"].item() < 1e-12 < before.item()


def parts(offset: float = 0.0) -> tuple[list[CollapseMetric], torch.Tensor, torch.Tensor]:
    """What three processes have seen: one of them only some samples of two classes, one of them nothing."""
    features, labels = labelled(offset)
    few = (labels >= 2) & (torch.arange(len(labels)) % 3 > 0)
    assert set(labels[few].tolist()) == {2, 3}
    assert set(labels[~few].tolist()) >= {0, 1, 2}
    seen = [(features[few], labels[few]), (features[~few], labels[~few]), (features[:0], labels[:0])]
    return [streamed(CollapseMetric(CLASSES, WIDTH), x, y, 5) for x, y in seen], features, labels


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_states_of_several_processes_are_merged(offset: float) -> None:
    metrics, features, labels = parts(offset)
    states = [metric.moments.clone() for metric in metrics]
    first = CollapseMetric(
        CLASSES, WIDTH, distributed_available_fn=lambda: True, dist_sync_fn=lambda _state, group: [state.clone() for state in states]
    )
    first.update(*labelled()[:2])  # replaced by what is gathered, and there again afterwards
    alone = first.moments.clone()
    found = first.compute()
    if offset == 0.0:
        require_agreement(found, features, labels, None)
    tolerance = 1e-15 * (1.0 + offset) ** 2 + AGREEMENT  # the offset costs the digits that it takes
    assert found["fuzziness"].item() == pytest.approx(separation(features.numpy(), labels.numpy()).fuzziness, rel=tolerance)
    assert torch.equal(first.moments, alone)


def test_two_metrics_are_merged_by_torchmetrics_itself() -> None:
    metrics, features, labels = parts()
    metrics[0].merge_state(metrics[1])
    metrics[0].merge_state(metrics[2])
    require_agreement(metrics[0].compute(), features, labels, None)


def test_reset_copies_and_collections() -> None:
    features, labels = labelled()
    metric = streamed(CollapseMetric(CLASSES, WIDTH), 9.0 + features, labels, 10)
    taken, before = metric.moments, metric.moments.clone()
    metric.update(features, labels)
    assert torch.equal(taken, before)  # a state that was taken is not written into
    metric.reset()
    assert not metric.moments.any()
    streamed(metric, features, labels, 10)
    copies: list[CollapseMetric] = [copy.deepcopy(metric), metric.clone(), pickle.loads(pickle.dumps(metric))]  # pyright: ignore[reportAssignmentType]
    for other in copies:
        assert torch.equal(other.moments, metric.moments)
        other.update(features, labels)
    require_agreement(metric.compute(), features, labels, None)  # the copies have states of their own
    metric.float()
    assert metric.moments.dtype == torch.float64
    collection = MetricCollection({"hidden": CollapseMetric(CLASSES, WIDTH)})
    collection.update(features, labels)
    assert collection.compute()["fuzziness"].item() == pytest.approx(metric.compute()["fuzziness"].item(), rel=AGREEMENT)


def test_unusable_batches_and_sizes_are_refused() -> None:
    features, labels = labelled()
    metric = CollapseMetric(CLASSES, WIDTH)
    refused(lambda: metric.update(features[:, :2], labels), "2 features where 6 were announced")
    refused(lambda: metric.update(features, labels + 1), "outside 0 ... 3")
    refused(lambda: metric.update(features * torch.nan, labels), "row 0 of the features is not finite")
    assert not metric.moments.any()
    metric.update(features[labels < 3], labels[labels < 3])
    refused(metric.compute, "class 3 has no sample")
    singles = CollapseMetric(CLASSES, WIDTH)
    singles.update(torch.eye(CLASSES, WIDTH), torch.arange(CLASSES))
    refused(singles.compute, "every class has a single sample")
    shaped = CollapseMetric(CLASSES, WIDTH, classifier=lambda: torch.ones(WIDTH, CLASSES))
    shaped.update(features, labels)
    refused(shaped.compute, "classifier has shape (6, 4)")
    refused(lambda: CollapseMetric(0, WIDTH), "number of classes")
    refused(lambda: CollapseMetric(CLASSES, 300_000), "300000 features", "GB")
    refused(lambda: ClassMoments(2, 2).merge(ClassMoments(2, 3).state), "it must hold 13 doubles")
    refused(lambda: ClassMoments(2, 2, state=np.zeros(13, dtype=np.float32)), "float32", "13 doubles")


def test_without_torchmetrics_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "layerpeel.gpu_train.metrics")
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    refused(lambda: importlib.import_module("layerpeel.gpu_train.metrics"), "needs torchmetrics", "pip install 'layerpeel[metrics]'")
