"""Mean exit times from the unstable point: the integral in balls, its expansion, and an equation that is solved without either."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import dawsn

from layerpeel.theory.locally_elastic._measured.exit_times import boundary_value
from layerpeel.theory.locally_elastic.exit_time import mean_exit

RATE = 1 / 3
DOUBLES = 1e-9
"""Of a quadrature in doubles."""


@given(st.integers(1, 40), st.floats(math.log(3.0), 30.0))
def test_the_expansion_encloses_the_integral_from_where_it_is_proved(features: int, log_ratio: float) -> None:
    noise = math.sqrt(RATE / math.exp(log_ratio)) * (1 - 1e-12)
    assert mean_exit(features, noise, 1.0).overlaps(boundary_value(features, noise, 1.0))


@pytest.mark.parametrize("ratio", [0.5, 3.0, 20.0])
def test_on_a_line_the_integral_is_that_of_dawsons_function(ratio: float) -> None:
    noise = math.sqrt(RATE) / ratio
    assert boundary_value(1, noise, 1.0).middle == pytest.approx(2 * quad(dawsn, 0, ratio, epsabs=1e-13)[0] / RATE, rel=DOUBLES)


@pytest.mark.parametrize(("radius", "exact", "leading"), [(1.0, 15.112632, 15.112857), (3.0, 18.408669, 18.408694)])
def test_times_at_a_noise_of_one_hundredth(radius: float, exact: float, leading: float) -> None:
    assert boundary_value(1, 0.01, radius).middle == pytest.approx(exact, abs=1e-6)
    assert mean_exit(1, 0.01, radius).upper == pytest.approx(leading, abs=1e-6)


def test_in_the_plane_the_expansion_lacks_an_exponentially_small_term_only() -> None:
    assert 0.0 < boundary_value(2, 0.2, 1.0).lower - mean_exit(2, 0.2, 1.0).lower < math.exp(-RATE / 0.04) / RATE
