"""Seven hidden layers of three widths, as the source has them."""

from collections.abc import Mapping
from types import MappingProxyType

from layerpeel.gpu_train.experiments.images import sampled_images, signed
from layerpeel.gpu_train.experiments.plan import Plan, Unit
from layerpeel.gpu_train.experiments.separation import Variant, units_of

WIDTHS: Mapping[str, Variant] = MappingProxyType(
    {f"width-{width}": Variant(widths=(width,) * 7, optimizer="adam", learning_rate=1e-3) for width in (20, 100, 1000)}
)
"""The source chooses among learning rates for each width; here all have that of its eight layers of width 100."""

WIDEST = "width-1000"
"""A network of minutes: one of them in the medium size, and none in the small."""


def width_units(plan: Plan) -> list[Unit]:
    """D per layer and epoch at every width, on the images of the source's panels."""
    images, test = sampled_images(plan, 10)
    data = signed(images), signed(test)
    narrow = {name: variant for name, variant in WIDTHS.items() if name != WIDEST}
    epochs, trials = plan.sized((100, 1), (200, 2), (600, 10))
    wide = units_of(plan, {WIDEST: WIDTHS[WIDEST]}, data, trials=plan.sized(0, 1, 10), epochs=epochs)
    return [*units_of(plan, narrow, data, trials=trials, epochs=epochs), *wide]
