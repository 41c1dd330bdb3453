"""GeoMNIST: rectangles, ellipses and triangles, rotated and blurred, drawn from a generator."""

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train._images import Images
from layerpeel.numerics import require_memory, require_whole, validated

SHAPES = ("rectangle", "ellipse", "triangle")
"""Class names, in the order of the labels."""

SIDE = 32
"""Pixels per side."""

ROTATIONS = 89
"""Angles 0°, 2°, …, 176°."""

BLUR = (0.9, 1.1)
"""Least and largest standard deviation of the Gaussian blur, in pixels."""

SUPERSAMPLING = 3
"""Points per pixel and direction at which a shape is asked whether it covers them."""

OUTLINES = (
    lambda x, y: np.maximum(np.abs(x) / 0.6, np.abs(y) / 0.35) <= 1.0,
    lambda x, y: (x / 0.65) ** 2 + (y / 0.4) ** 2 <= 1.0,
    lambda x, y: (y >= -0.35) & (np.abs(x) <= 0.55 * (0.65 - y)),
)
"""Which points of [−1, 1]² a shape covers, in the order of the labels."""

CHUNK = 200
"""Images drawn at once: some 100 MB of fine grids."""


@validated
def geomnist(samples_per_class: int, rng: np.random.Generator) -> Images:
    """Balanced images of three shapes at random rotations and blurs, 32×32, intensities in [0, 1].

    The shapes are indicator functions of equal extent, sampled on a fine grid turned by the angle; the blur multiplies the Fourier
    transform by exp(−2π²σ²|f|²). Everything is one array operation over all images.

    Args:
        samples_per_class: n ≥ 1.
        rng: source of angles and blurs.

    Raises:
        UnusableInput: for a number of samples that is not a whole number ≥ 1, more than fit in memory, or what is no generator.

    Source: zhang2021, "GeoMNIST"; the sources fix angles, blur and size, not the exact outlines.

    Example:
        >>> images = geomnist(2, np.random.default_rng(0))
        >>> images.pixels.shape, images.labels.tolist()
        ((6, 1, 32, 32), [0, 0, 1, 1, 2, 2])
    """
    each = require_whole(samples_per_class, "the number of samples per class", remedy="correct it")
    require_memory(2.0 * 4.0 * SIDE**2 * len(SHAPES) * each, f"{each:.6g} images of each shape", "ask for fewer")
    labels = np.repeat(np.arange(len(SHAPES)), each)
    angles, blurs = np.deg2rad(2.0 * rng.integers(0, ROTATIONS, len(labels))), rng.uniform(*BLUR, len(labels))
    parts = [slice(start, start + CHUNK) for start in range(0, len(labels), CHUNK)]
    pixels = np.concatenate([_draw(labels[part], angles[part], blurs[part]) for part in parts])
    return Images(pixels=pixels[:, None], labels=labels, num_classes=len(SHAPES), name="GeoMNIST")


def _draw(labels: Int[np.ndarray, " n"], angles: Float[np.ndarray, " n"], blurs: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n s s"]:
    fine = (np.arange(SIDE * SUPERSAMPLING) + 0.5) / (SIDE * SUPERSAMPLING) * 2.0 - 1.0
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    x, y = (cos * fine[None, None, :] + sin * fine[None, :, None]), (cos * fine[None, :, None] - sin * fine[None, None, :])
    covered = np.empty(x.shape, dtype=bool)
    for label, inside in enumerate(OUTLINES):
        of_shape = labels == label
        covered[of_shape] = inside(x[of_shape], y[of_shape])
    coarse = covered.reshape(len(labels), SIDE, SUPERSAMPLING, SIDE, SUPERSAMPLING).mean(axis=(2, 4))
    frequency = np.fft.fftfreq(SIDE)[:, None] ** 2 + np.fft.rfftfreq(SIDE)[None, :] ** 2
    spectrum = np.fft.rfft2(coarse) * np.exp(-2.0 * (np.pi * blurs[:, None, None]) ** 2 * frequency)
    return np.clip(np.fft.irfft2(spectrum, s=(SIDE, SIDE)), 0.0, 1.0).astype(np.float32)
