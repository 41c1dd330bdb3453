"""Simplex-encoded labels in closed form, K_A classes of R samples and K_B of one: singular values, cosines, margins; predictions only."""

import math


def between(majority: int, minority: int, ratio: float) -> float:
    """s = √((R K_B + K_A)/K), the length of diag(√n)(√K_B, −√K_A)/√K: R multiplies K_B/K, the majority's share of that vector's square."""
    return math.sqrt((ratio * minority + majority) / (majority + minority))


def value_of(group: str, majority: int, minority: int, ratio: float) -> float:
    """Singular values of (I − 11ᵀ/K) with the row of every class repeated for its samples."""
    return {"majority": math.sqrt(ratio), "minority": 1.0, "between": between(majority, minority, ratio)}[group]


def minority_cosine(majority: int, minority: int, ratio: float, *, s: float | None = None) -> float:
    """(s K_A − K)/(s K_A + K(K_B − 1)), from WWᵀ ∝ (YᵀY)^{1/2} = √R P_A ⊕ P_B ⊕ s vvᵀ; or with another s."""
    classes = majority + minority
    length = between(majority, minority, ratio) if s is None else s
    return (length * majority - classes) / (length * majority + classes * (minority - 1))


def slopes_apart(majority: int, minority: int, ratio: float) -> float:
    """The offset less log(K_A/K_B): log[√R (1 − K_A/(K s))/(1 − √R K_B/(K s))].

    The slope diag(1/√n)∇f is −λ times the polar factor P of Y. Between two classes of a group it is e^{−margin} √n_k/N to leading order,
    and P has the entry −(1 − l v)/K_g there, with l and v the entries of the singular vectors of diag(√n)(I − 11ᵀ/K) between the groups:
    v² is K_B/K in the majority and K_A/K in the minority, and l = √n v/s.
    """
    root, scaled = math.sqrt(ratio), between(majority, minority, ratio) * (majority + minority)
    return math.log(root * (1 - majority / scaled) / (1 - root * minority / scaled))
