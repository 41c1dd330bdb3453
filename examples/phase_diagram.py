"""A phase diagram
===============

Where do minority classes collapse? R0 for many settings at once, and one of them to thirty digits.
"""

import numpy as np

import layerpeel
from layerpeel.numerics import log_thresholds_minus_one

CLASSES = 10
MINORITIES = np.arange(2, CLASSES)
ENERGIES = np.geomspace(0.1, 30.0, 8)  # E_H E_W


def main() -> None:
    """Print log10 R0 as a table, then enclose one entry."""
    minority, energy = np.meshgrid(MINORITIES, ENERGIES, indexing="ij")
    flat, radius = minority.ravel().astype(float), CLASSES * np.sqrt(energy.ravel())
    excess = log_thresholds_minus_one(CLASSES - flat, flat, radius)  # log(R0 - 1), all in one call
    table = np.logaddexp(excess, 0.0).reshape(minority.shape) / np.log(10.0)
    print("log10 R0;  columns: E_H E_W =", *(f"{value:.3g}" for value in ENERGIES))
    for count, row in zip(MINORITIES, table, strict=True):
        print(f"K_B = {count}:", *(f"{value:8.3f}" for value in row))

    print("\nK_A = K_B = 5, E_H = 5, E_W = 1, to thirty digits:")
    threshold = layerpeel.collapse_threshold(5, 5, feature_energy=5.0, digits=30)
    print(threshold.lower, threshold.upper, sep="\n")


if __name__ == "__main__":
    main()
