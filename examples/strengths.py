"""Logits to strengths
===================

How strongly does training on a class move that class, and how strongly the others? Here from logits that are made by known strengths.
"""

import numpy as np

import layerpeel

CLASSES = 3
ITERATIONS = np.arange(1.0, 201.0)


def logits_of_known_strengths() -> np.ndarray:
    """Class means of logits, iterations x class x component, under alpha = 1/(1+t), beta = -0.2/(1+t) in the I-model."""
    start = np.eye(CLASSES) + 0.3
    mean, own = start.mean(axis=0), start - start.mean(axis=0)
    grown = np.log1p(ITERATIONS)[:, None, None]
    alpha, beta = grown, -0.2 * grown
    return mean * np.exp((alpha + (CLASSES - 1) * beta) / CLASSES) + own * np.exp((alpha - beta) / CLASSES)


def main() -> None:
    """Estimate both, and compare the last values with the truth."""
    estimated = layerpeel.estimate(logits_of_known_strengths(), iterations=ITERATIONS, model="I").to_dict()
    end = 1.0 / (1.0 + ITERATIONS[-1])
    print(f"alpha at the end: {estimated['intra'][-1]:.5f}, true {end:.5f}")
    print(f"beta  at the end: {estimated['inter'][-1]:.5f}, true {-0.2 * end:.5f}")
    index = estimated["tail_index"]["intra"]["definition"]
    print(f"alpha falls like t^-r, r = {index['value']:.3f} (standard error {index['standard_error']:.1e})")


if __name__ == "__main__":
    main()
