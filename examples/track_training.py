"""A training tracked
==================

Does collapse come while my network trains, and where does the minority go? A plain PyTorch loop, a tracker, and a page.
With Lightning it is ``Trainer(callbacks=[layerpeel.networks.collapse_callback(["2", "3"], every=10, directory="page")])``; ``log`` takes
whatever logs a dictionary, such as ``wandb.log``.
"""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from layerpeel.gpu_train import digits, with_counts
from layerpeel.gpu_train.training import seeded
from layerpeel.networks import CollapseTracker

COUNTS = [120] * 7 + [12] * 3  # three classes of the ten are rare
WIDTHS = [64, 64, 64, 64]
EPOCHS, EVERY = 40, 10


def network(classes: int) -> nn.Sequential:
    """Three hidden layers with batch norm, and a classifier without bias."""
    hidden = [nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()) for before, after in pairwise(WIDTHS)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(WIDTHS[-1], classes, bias=False))


def main() -> None:
    """Train on scikit-learn's digits with three rare classes, and watch the last two hidden layers."""
    rng = np.random.default_rng(0)
    images = with_counts(digits(), COUNTS, rng)
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    loader = DataLoader(TensorDataset(pixels, labels), batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))
    model = seeded(lambda: network(images.num_classes), rng)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-3)

    tracker = CollapseTracker(
        model, ["2", "3"], every=EVERY, log=lambda row: print(f"epoch {row['epoch']:2.0f}: D = {row['fuzziness']:.4f}")
    )
    for epoch in range(EPOCHS + 1):
        for inputs, targets in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        tracker.after_epoch(epoch, loader)

    with tempfile.TemporaryDirectory() as directory:
        page = tracker.write(Path(directory))
        print(f"{page.name} has {page.stat().st_size // 1000} kB")
    print(tracker.result().to_text())


if __name__ == "__main__":
    main()
