"""Random streams that belong to a seed and to names, so that nothing depends on the order or the place of work."""

import hashlib

import numpy as np

from layerpeel.numerics._inputs import UnusableInput, require_whole, shown


def random_stream(seed: int, *names: str) -> np.random.Generator:
    """The generator that belongs to these names under this seed, the same in every process and on every machine.

    Args:
        seed: a whole number, at least 0.
        names: whose stream it is: a room and its check, an experiment and its unit.

    Raises:
        UnusableInput: for another seed, or a name that is no text.

    Example:
        >>> draws = [random_stream(0, "balanced-etf", "value").integers(1 << 60) for _ in range(2)]
        >>> bool(draws[0] == draws[1])
        True
    """
    seed = require_whole(seed, "the seed", least=0, remedy="give one, for example 0")
    for name in names:
        if not isinstance(name, str):
            raise UnusableInput(f"a name of a random stream is {shown(name)}: it must be a text; give one, for example 'balanced-etf'.")
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    words = tuple(int(word) for word in np.frombuffer(digest, "<u4"))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))
