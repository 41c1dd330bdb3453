"""Descent on features and classifier alone, held against the certified optimum."""

# pyright: reportMissingImports=false

from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.gpu_train._images import step_counts
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of
from layerpeel.gpu_train.studies import Progress
from layerpeel.gpu_train.unconstrained import unconstrained_features


def unconstrained_units(plan: Plan) -> list[Unit]:
    """W and H alone, three and three classes, at several imbalances and starts."""
    steps, trials = plan.sized((3000, 3), (10_000, 5), (20_000, 10))

    program: dict[str, Any] = {"feature_energy": 5.0, "weight_energy": 1.0, "dimension": 8, "steps": steps, "learning_rate": 1.0}

    return [
        unconstrained_unit(f"ratio-{ratio}-trial-{trial}", {"imbalance": ratio, "trial": trial, **program}, device=plan.device)
        for ratio in (1, 3, 10, 30, 100)
        for trial in range(trials)
    ]


PROGRAM = ("feature_energy", "weight_energy", "dimension", "steps", "learning_rate")
"""What a descent on features and classifier takes, besides its counts."""


def unconstrained_unit(name: str, settings: Settings, *, device: str) -> Unit:
    """One descent of the unconstrained experiment, by its imbalance and its program."""
    program = {name: settings[name] for name in PROGRAM}
    counts = step_counts(3, 3, 10 * settings["imbalance"], settings["imbalance"])

    def run(rng: np.random.Generator, _checkpoint: Path | None, _progress: Progress) -> dict[str, np.ndarray]:
        descent = unconstrained_features(counts, **program, rng=rng, device=device)
        return {
            **arrays_of(descent),
            "counts": np.asarray(counts),
            "energies": np.array([program["feature_energy"], program["weight_energy"]]),
        }

    return Unit(name=name, settings=settings, run=run)
