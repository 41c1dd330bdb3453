"""Local elasticity measured directly: how far a gradient step at one image moves the logits of the others."""

# pyright: reportMissingImports=false

import copy

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float
from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.training import choose_device
from layerpeel.numerics import UnusableInput, require_positive, require_whole


def local_elasticity(
    model: nn.Module, images: Images, rng: np.random.Generator, *, learning_rate: float, sources: int, device: str = "cpu"
) -> Float[np.ndarray, "K K"]:
    """How far one step at an image of one class moves the logits of images of every class, by direct measurement.

        S_kl = mean over x of class k, x' of class l, x' ≠ x, of  ‖f_{θ⁺}(x') − f_θ(x')‖ / ‖f_{θ⁺}(x) − f_θ(x)‖,

    with θ⁺ one gradient step at x from θ; the model is left as it was found.

    Args:
        model: any classifier without batch norm.
        images: x and x' are drawn from these.
        rng: chooses the x.
        learning_rate: of the step.
        sources: how many x of each class.
        device: "auto", "cpu" or "cuda".

    Raises:
        UnusableInput: for a class with fewer than two images, a number of sources that is not a whole number ≥ 1, a learning rate that is
            not positive, or an image so certain that a step at it moves nothing.

    Source: he2020, equation (1), with the gradient step itself in place of a kernel.
    """
    place = choose_device(device)
    require_positive(learning_rate, "learning rate")
    require_whole(sources, "the number of sources", remedy="correct it")
    if images.counts.min() < 2:
        least = int(np.argmin(images.counts))
        raise UnusableInput(f"class {least} of {images.name} has {images.counts[least]} images: a probe needs two of each; add some.")
    # In double precision: a step at an image that is labelled with certainty moves single-precision logits not at all.
    probe, start = copy.deepcopy(model).to(place).double().eval(), copy.deepcopy(model).to(place).double().state_dict()
    pixels, labels = torch.from_numpy(images.pixels).to(place).double(), torch.from_numpy(images.labels).to(place)
    ratios = np.zeros((images.num_classes, images.num_classes))
    with torch.no_grad():
        before = probe(pixels)
    for own in range(images.num_classes):
        mine = np.flatnonzero(images.labels == own)
        rows = rng.choice(mine, min(sources, len(mine)), replace=False)
        for row in rows:
            loss = nn.functional.cross_entropy(probe(pixels[row : row + 1]), labels[row : row + 1])
            slopes = torch.autograd.grad(loss, list(probe.parameters()))
            with torch.no_grad():
                for parameter, slope in zip(probe.parameters(), slopes, strict=True):
                    parameter.sub_(slope, alpha=learning_rate)
                moves = (probe(pixels) - before).norm(dim=1).cpu().numpy()
            probe.load_state_dict(start)
            if moves[row] == 0.0:
                raise UnusableInput(
                    f"image {row} of {images.name} is labelled with certainty: a step at it moves nothing, even in double precision; probe "
                    "the network earlier in its training."
                )
            others = np.arange(len(moves)) != row
            counts, sums = (np.bincount(images.labels[others], weights=w, minlength=images.num_classes) for w in (None, moves[others]))
            ratios[own] += sums / counts / moves[row] / len(rows)
    return ratios
