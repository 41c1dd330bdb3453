"""A network measured
==================

Does my network obey the law of equi-separation, and will its minority collapse? Any torch module, any loader.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

import layerpeel
from layerpeel.gpu_train import digits
from layerpeel.gpu_train.training import seeded

DEPTH, WIDTH, EPOCHS = 4, 64, 60


def network(inputs: int, classes: int) -> nn.Sequential:
    """Layers of one width, and a classifier."""
    sizes = [inputs, *[WIDTH] * DEPTH]
    layers = [nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()) for before, after in pairwise(sizes)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, classes))


def main() -> None:
    """Train a small net on scikit-learn's digits, keep the features of every layer, and measure them."""
    images = digits()
    inputs = torch.as_tensor(images.pixels, dtype=torch.float32).flatten(1)
    labels = torch.as_tensor(images.labels, dtype=torch.long)
    order = torch.Generator().manual_seed(0)
    net = nn.Sequential(*seeded(lambda: network(inputs.shape[1], images.num_classes), np.random.default_rng(0)).children())
    classifier = net[DEPTH].state_dict()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs), generator=order).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()

    net.eval()
    features = [inputs]
    with torch.no_grad():
        for layer in range(DEPTH):
            features.append(net[layer](features[-1]))
    measured = layerpeel.measure(
        [feature.numpy() for feature in features],
        labels.numpy(),
        classifier=classifier["weight"].numpy(),
        bias=classifier["bias"].numpy(),
    )
    print(measured.to_text())


if __name__ == "__main__":
    main()
