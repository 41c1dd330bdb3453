"""For other people's property-based tests: strategies, assertions, and a pytest plugin that collects their rooms."""

from layerpeel.testing.assertions import assert_encloses as assert_encloses
from layerpeel.testing.assertions import assert_near_optimum as assert_near_optimum
from layerpeel.testing.assertions import assert_theorem as assert_theorem
from layerpeel.testing.assertions import assert_verdict as assert_verdict
