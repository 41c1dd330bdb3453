"""Training: ensembles against plain loops, and separation of large feature sets."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks._pairs import Growth, Memory, Row, grow, pair, peak_memory
from layerpeel.gpu_train import Images, geomnist
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.networks import small_alexnet
from layerpeel.numerics import ClassMoments, fuzziness, separation

torch.set_num_threads(1)

TRIALS = 48
"""Networks side by side."""

STEPS = 100
"""Steps per timed run."""


def _images() -> tuple[Images, Images]:
    rng = np.random.default_rng(0)
    return geomnist(60, rng), geomnist(20, rng)


def _ensemble(every: int) -> Callable[[], object]:
    images, validation = _images()
    recipe = OneByOne(iterations=STEPS, trials=TRIALS, every=every)
    return lambda: train_one_by_one(small_alexnet, images, validation, recipe, np.random.default_rng(0))


def _plain(steps: int, *, evaluate: bool) -> Callable[[], object]:
    """One network, one image per step, written the usual way; optionally the whole validation set after every step."""
    images, validation = _images()
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    held, held_labels = torch.from_numpy(validation.pixels), torch.from_numpy(validation.labels)

    def run() -> None:
        model = small_alexnet()
        optimizer, loss_of = torch.optim.SGD(model.parameters(), lr=0.005), torch.nn.CrossEntropyLoss()
        for row in np.random.default_rng(0).integers(0, len(labels), steps).tolist():
            loss = loss_of(model(pixels[row : row + 1]), labels[row : row + 1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if evaluate:
                with torch.no_grad():
                    logits = model(held)
                    torch.stack([logits[held_labels == k].mean(dim=0) for k in range(3)])

    return run


def against_plain_loop() -> Row:
    """Trial-iterations per second, weights in single precision, one thread."""
    ours, other, _ = pair(_ensemble(STEPS), _plain(200, evaluate=False), pairs=3, calls=1)
    mine, theirs = ours / (STEPS * TRIALS), other / 200
    return Row(
        name=f"GeoMNIST step, {1 / mine:,.0f} trial-iterations/s",
        seconds=mine,
        against="one network, one image per step",
        against_seconds=theirs,
        ratio=theirs / mine,
        target="≥ 2× faster",
        met=theirs >= 2 * mine,
    )


def against_evaluating_every_step() -> Row:
    """The same against a loop that evaluates 60 validation images after every step, as the released code does."""
    ours, other, _ = pair(_ensemble(10), _plain(200, evaluate=True), pairs=3, calls=1)
    mine, theirs = ours / (STEPS * TRIALS), other / 200
    return Row(
        name="GeoMNIST step, evaluated every 10 steps",
        seconds=mine,
        against="evaluated after every step",
        against_seconds=theirs,
        ratio=theirs / mine,
        target="≥ 2× faster",
        met=theirs >= 2 * mine,
    )


def streaming_separation() -> Row:
    """D of 100,000 samples with 512 features in batches, against having them in memory."""
    labels = np.random.default_rng(1).integers(0, 10, 1000)

    def batches() -> Callable[[], np.ndarray]:
        rng = np.random.default_rng(0)
        return lambda: rng.standard_normal((1000, 512), dtype=np.float32) + 3.0 * np.eye(10, 512, dtype=np.float32)[labels]

    def stream() -> None:
        moments, batch = ClassMoments(10, 512), batches()
        for _ in range(100):
            moments.update(batch(), labels)
        fuzziness(moments.compute())

    def at_once() -> None:
        batch = batches()
        separation(np.concatenate([batch() for _ in range(100)]), np.tile(labels, 100))

    ours, other, ratio = pair(stream, at_once, pairs=3, calls=1)
    return Row(
        name="D of 100,000 × 512 features, streaming",
        seconds=ours,
        against="the same in memory",
        against_seconds=other,
        ratio=ratio,
        target="< 10 s",
        met=ours < 10.0,
    )


def growth_samples() -> Growth:
    """D in memory against the number of samples, 64 features, ten classes."""
    rng = np.random.default_rng(0)

    def call(size: int) -> Callable[[], object]:
        features, labels = rng.normal(size=(size, 64)), rng.integers(0, 10, size)
        return lambda: separation(features, labels)

    return grow("separation fuzziness in memory, p = 64", "n", {size: call(size) for size in (1_000, 10_000, 100_000)}, 5)


def _stream(samples: int) -> None:
    """D of so many samples with 512 features, a thousand at a time."""
    rng, labels = np.random.default_rng(0), np.random.default_rng(1).integers(0, 10, 1000)
    moments = ClassMoments(10, 512)
    for _ in range(samples // 1000):
        batch = rng.standard_normal((1000, 512), dtype=np.float32)
        moments.update(batch + 3.0 * np.eye(10, 512, dtype=np.float32)[labels], labels)
    fuzziness(moments.compute())


def _in_memory(samples: int) -> None:
    """The same with all samples in memory."""
    labels = np.random.default_rng(1).integers(0, 10, samples)
    separation(np.random.default_rng(0).standard_normal((samples, 512), dtype=np.float32), labels)


def _train_ensemble(trials: int) -> None:
    """Fifty steps of so many networks at once, evaluated twice."""
    images, validation = _images()
    recipe = OneByOne(iterations=50, trials=trials, every=25)
    train_one_by_one(small_alexnet, images, validation, recipe, np.random.default_rng(0))


ROWS: tuple[Callable[[], Row], ...] = (against_plain_loop, against_evaluating_every_step, streaming_separation)

GROWTH: tuple[Callable[[], Growth], ...] = (growth_samples,)

MEMORY: tuple[Callable[[], Memory], ...] = (
    lambda: peak_memory("D of n × 512 features, streaming", "n", _stream, (10_000, 100_000)),
    lambda: peak_memory("D of n × 512 features, in memory", "n", _in_memory, (10_000, 100_000)),
    lambda: peak_memory("GeoMNIST ensemble", "networks", _train_ensemble, (1, 48)),
)
