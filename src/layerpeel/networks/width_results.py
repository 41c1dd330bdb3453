"""What a run of the experiment `widths` shows."""

from layerpeel.networks.laws import SeparationRow, by_variant, comparison, law_row
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure


def width_results(units: Units) -> tuple[list[SeparationRow], list[Figure]]:
    """One row per width, and D through the layers of all of them."""
    variants = by_variant(units)
    caption = "Seven hidden layers each, Adam at one learning rate; lines are fitted laws."
    return [law_row(name, trials) for name, trials in variants.items()], [
        comparison("Separation through the layers at three widths", tuple(variants), caption, variants)
    ]
