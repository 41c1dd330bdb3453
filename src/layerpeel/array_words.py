"""Words for arrays in signatures: the kind of their numbers, and the names of their axes, as in `Float[np.ndarray, "n p"]`."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import AbstractArray, Bool, Float, Int, Shaped
else:
    # They are jaxtyping's for type checkers and for the tests, which check them at run time. Here they are only read
    # (`numerics._validated`), and importing jaxtyping takes a tenth of a second, which a closed form need not wait for.

    class AbstractArray:
        """What every array of these words is, with jaxtyping's attributes: `dtype`, whose name is the word, and `dim_str`."""

    class _Word(type):
        def __getitem__(cls, container_and_axes: tuple[type, str]) -> Any:
            return type(f"{cls.__name__}Array", (AbstractArray,), {"dtype": cls, "dim_str": container_and_axes[1]})

    Bool, Float, Int, Shaped = (_Word(name, (), {}) for name in ("Bool", "Float", "Int", "Shaped"))

__all__ = ["AbstractArray", "Bool", "Float", "Int", "Shaped"]
