"""What every refusal looks like: one sentence that names the value, the rule and the remedy."""

from collections.abc import Callable

import pytest
from jaxtyping import config

from layerpeel.numerics import UnusableInput


def refused(action: Callable[[], object], *parts: str) -> None:
    """Assert that the action is refused with one sentence that holds all parts."""
    config.update("jaxtyping_disable", True)  # users run without checked annotations: the code itself must refuse
    try:
        with pytest.raises(UnusableInput) as error:
            action()
    finally:
        config.update("jaxtyping_disable", False)
    sentence = str(error.value)
    for part in parts:
        assert part in sentence, sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "'.", "?"))
