"""What a run of the experiment `architectures` shows."""

from layerpeel.networks.laws import SeparationRow, by_variant, comparison, law_row
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure

CAPTION = (
    "Measured after the nonlinearity of every convolution and linear layer and before any pooling; of a DenseNet after its stem and after "
    "every block, of residual nets after every block, of 100 principal components. The line is a fitted law."
)


def architecture_results(units: Units) -> tuple[list[SeparationRow], list[Figure]]:
    """One row and one figure per architecture."""
    variants = by_variant(units)
    rows = [law_row(name, trials) for name, trials in variants.items()]
    return rows, [comparison(f"Separation through the layers, {name}", (name,), CAPTION, variants) for name in variants]
