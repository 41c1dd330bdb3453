"""The law in a transformer encoder that rates sentences, pooled by its first token or by the average of its words."""

# pyright: reportMissingImports=false

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.sentences import Sentences, grammar_sentences, read_sentences
from layerpeel.gpu_train.studies import Progress, separation_curves
from layerpeel.gpu_train.training import Recipe
from layerpeel.gpu_train.transformers import POOLINGS, SentenceEncoder, pooled_layers

ENCODER = ("pooling", "width", "heads", "layers")
"""What decides an encoder, besides its sentences."""


def sentence_units(plan: Plan) -> list[Unit]:
    """D per layer and epoch under either pooling, in every trial: sentences of a grammar, or of a folder in the form of SST-2."""
    each = plan.sized((300, 300), (500, 500), (5000, 2000))
    rng = np.random.default_rng([plan.seed, 0])
    sentences = grammar_sentences(*each, rng) if plan.data is None else read_sentences(plan.data, *each, rng)
    recipe = Recipe(epochs=plan.sized(30, 40, 100), learning_rate=1e-3, optimizer="adam", batch_size=64, weight_decay=0.0)
    shape = plan.sized(
        {"width": 32, "heads": 4, "layers": 6}, {"width": 64, "heads": 4, "layers": 6}, {"width": 128, "heads": 8, "layers": 12}
    )
    return [
        sentence_unit(
            f"{pooling}-trial-{trial}",
            {"variant": pooling, "pooling": pooling, "trial": trial, **shape, **asdict(recipe)},
            sentences,
            device=plan.device,
        )
        for pooling in POOLINGS
        for trial in range(plan.sized(1, 2, 5))
    ]


def sentence_unit(name: str, settings: Settings, sentences: Sentences, *, device: str) -> Unit:
    """One encoder, by its pooling, its shape and its `Recipe`."""
    recipe = taken(Recipe, settings)
    shape: dict[str, Any] = {name: settings[name] for name in ENCODER}
    train, test = sentences.train, sentences.test
    build = partial(SentenceEncoder, len(sentences.words) + 1, train.pixels.shape[-1], train.num_classes, **shape)

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        epochs = tuple(epoch for epoch in (1, 2, 5, 10, 20, 50) if epoch < recipe.epochs)
        options: dict[str, Any] = {"device": device, "checkpoint": checkpoint, "progress": progress}
        return arrays_of(separation_curves(build, train, test, recipe, rng, epochs=epochs, layers=pooled_layers, by_batch=None, **options))

    return Unit(name=name, settings=settings, run=run)
