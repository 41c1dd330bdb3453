"""Geometric theories of deep learning, checked: the Layer-Peeled Model, local elasticity, equi-separation."""

from typing import TYPE_CHECKING

from layerpeel.exports import on_demand

if TYPE_CHECKING:
    from layerpeel.counts.remedy import remedy as remedy
    from layerpeel.dynamics import estimate as estimate
    from layerpeel.dynamics import simulate as simulate
    from layerpeel.networks import measure as measure
    from layerpeel.numerics import Bracket as Bracket
    from layerpeel.numerics import Estimate as Estimate
    from layerpeel.numerics import Proportion as Proportion
    from layerpeel.numerics import UnusableInput as UnusableInput
    from layerpeel.numerics import collapse_threshold as collapse_threshold
    from layerpeel.numerics import vanishing_threshold as vanishing_threshold
    from layerpeel.solvers import LayerPeeled as LayerPeeled
    from layerpeel.solvers import Solution as Solution
    from layerpeel.solvers import UnconstrainedFeatures as UnconstrainedFeatures
    from layerpeel.solvers import solve as solve
    from layerpeel.solvers import solve_batch as solve_batch
    from layerpeel.sweeps.sweep import sweep as sweep
    from layerpeel.theorems.check import check as check
    from layerpeel.version import __version__ as __version__
else:
    __getattr__, __dir__ = on_demand(__name__)
