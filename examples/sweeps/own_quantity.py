"""A quantity of one's own: what a third group of classes does to the minority's angle."""

import math

from layerpeel.solvers import LayerPeeled, solve


def minority_angle(imbalance: float, middle: int, feature_energy: float = 5.0) -> dict[str, float | None]:
    """The angle in degrees between two of three minority classes, beside three majority classes and some of medium size."""
    samples = [imbalance, math.sqrt(imbalance), 1.0]
    counts = [max(1, round(1000 * each / imbalance)) for each in samples]
    solution = solve(LayerPeeled.from_groups(zip([3, middle, 3], counts, strict=True), feature_energy=feature_energy))
    cosine = solution.groups[-1].within_cosine
    angle = None if cosine is None else math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    return {"value": angle, "optimum": solution.value.middle}


# To be raised when the function's numbers change: its points are then computed again.
minority_angle.results_version = 1  # pyright: ignore[reportFunctionMemberAccess]
