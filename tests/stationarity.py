"""The two-group optimum's conditions once more, in mpmath: what tests of every route to it share."""

from typing import Any

import mpmath as mp


class Conditions:
    """Section 'symmetry reduction' in mpmath: radius, margins and stationarity of (a, b, t_A, t_B), independent of the code."""

    def __init__(self, majority: int, minority: int, imbalance: Any, a: Any, b: Any, t_a: Any, t_b: Any) -> None:
        k_a, k_b, ratio = mp.mpf(majority), mp.mpf(minority), mp.mpf(imbalance)
        k = k_a + k_b
        self.a, self.b, self.s = mp.mpf(a), mp.mpf(b), mp.hypot(t_a, t_b)
        self.radius = (k_a - 1) * self.a + (k_b - 1) * self.b + self.s
        self.margin_a = self.a * (k_a - 1) / k_a + mp.sqrt(k) / (k_a * mp.sqrt(k_b)) * t_a
        self.margin_b = self.b * (k_b - 1) / k_b + mp.sqrt(k) / (k_b * mp.sqrt(k_a)) * t_b
        x_a, y_a, x_b, y_b = (mp.exp(-x) for x in (self.a, self.margin_a, self.b, self.margin_b))
        d_a, d_b = 1 + (k_a - 1) * x_a + k_b * y_a, 1 + (k_b - 1) * x_b + k_a * y_b
        self.along_a = ratio * (k_a * x_a + k_b * y_a) / d_a
        self.along_b = (k_b * x_b + k_a * y_b) / d_b
        self.along_t_a = ratio * mp.sqrt(k * k_b) * y_a / d_a
        self.along_t_b = mp.sqrt(k * k_a) * y_b / d_b
        self.norm_between = mp.hypot(self.along_t_a, self.along_t_b)
        self.value = (k_a * ratio * mp.log1p(d_a - 1) + k_b * mp.log1p(d_b - 1)) / (k_a * ratio + k_b)
