"""The Layer-Peeled programs: problem in, certified solution out."""

from typing import TYPE_CHECKING

from layerpeel.exports import on_demand
from layerpeel.solvers.program._losses import LOSSES as _LOSSES

if TYPE_CHECKING:
    from layerpeel.solvers._enclosures import Enclosures as Enclosures
    from layerpeel.solvers._geometry import Decided as Decided
    from layerpeel.solvers._geometry import GroupGeometry as GroupGeometry
    from layerpeel.solvers._geometry import Status as Status
    from layerpeel.solvers._remedies import LOSS_REMEDIES as LOSS_REMEDIES
    from layerpeel.solvers._remedies import GroupUnderRemedy as GroupUnderRemedy
    from layerpeel.solvers._remedies import LossRemedy as LossRemedy
    from layerpeel.solvers._remedies import group_under_remedy as group_under_remedy
    from layerpeel.solvers._remedies import least_strength as least_strength
    from layerpeel.solvers._remedies import with_remedy as with_remedy
    from layerpeel.solvers._solution import Solution as Solution
    from layerpeel.solvers._solve import ROUTES as ROUTES
    from layerpeel.solvers._solve import solve as solve
    from layerpeel.solvers._switches import Switch as Switch
    from layerpeel.solvers._switches import bracket_switch as bracket_switch
    from layerpeel.solvers._switches import bracket_threshold as bracket_threshold
    from layerpeel.solvers._switches import collapse_switch as collapse_switch
    from layerpeel.solvers._threshold import critical_oversampling as critical_oversampling
    from layerpeel.solvers._threshold import excessive_oversampling as excessive_oversampling
    from layerpeel.solvers._threshold import require_told as require_told
    from layerpeel.solvers.program._classes import NORM_WEIGHTS as NORM_WEIGHTS
    from layerpeel.solvers.program._classes import Group as Group
    from layerpeel.solvers.program._problem import LayerPeeled as LayerPeeled
    from layerpeel.solvers.program._problem import Problem as Problem
    from layerpeel.solvers.program._problem import UnconstrainedFeatures as UnconstrainedFeatures
    from layerpeel.solvers.program._program import WAYS as WAYS
    from layerpeel.solvers.program._program import require_way as require_way
    from layerpeel.solvers.proof._certificate import Certificate as Certificate
    from layerpeel.solvers.proof._certificate import certify as certify
    from layerpeel.solvers.proof._certificate import certify_multiplier as certify_multiplier
    from layerpeel.solvers.proof._certificate import dual_slope as dual_slope
    from layerpeel.solvers.proof._distance import certify_distance as certify_distance
    from layerpeel.solvers.proof._distance import low_rank_excess as low_rank_excess
    from layerpeel.solvers.relatives._batch import SolutionBatch as SolutionBatch
    from layerpeel.solvers.relatives._batch import solve_batch as solve_batch
    from layerpeel.solvers.relatives._blocks import Blocks as Blocks
    from layerpeel.solvers.relatives._blocks import solve_blocks as solve_blocks
    from layerpeel.solvers.relatives._deep_linear import DeepLinear as DeepLinear
    from layerpeel.solvers.relatives._deep_linear import descend_linear as descend_linear
    from layerpeel.solvers.relatives._deep_linear import enclose_one_layer as enclose_one_layer
    from layerpeel.solvers.relatives._deep_linear import fitted_start as fitted_start
    from layerpeel.solvers.relatives._deep_linear import random_start as random_start
    from layerpeel.solvers.relatives._deep_linear import search_linear as search_linear
    from layerpeel.solvers.relatives._descent import descend as descend
    from layerpeel.solvers.relatives._factors import FactorPoint as FactorPoint
    from layerpeel.solvers.relatives._factors import enclose_factors as enclose_factors
    from layerpeel.solvers.relatives._fixed_classifier import fixed_classifier_features as fixed_classifier_features
    from layerpeel.solvers.relatives._nonnegative import NonNegative as NonNegative
    from layerpeel.solvers.relatives._nonnegative import NonNegativeEnclosure as NonNegativeEnclosure
    from layerpeel.solvers.relatives._nonnegative import descend_nonnegative as descend_nonnegative
    from layerpeel.solvers.relatives._nonnegative import enclose_nonnegative as enclose_nonnegative
    from layerpeel.solvers.relatives._other_norms import descend_other_norm as descend_other_norm
    from layerpeel.solvers.relatives._other_norms import enclose_other_norm as enclose_other_norm
    from layerpeel.solvers.relatives._sample_descent import descend_samples as descend_samples
    from layerpeel.solvers.relatives._samples import solve_samples as solve_samples
    from layerpeel.solvers.routes._sdp import SOLVERS as SOLVERS
    from layerpeel.solvers.routes._sdp import SolverFailed as SolverFailed
    from layerpeel.solvers.routes._sdp import require_solver as require_solver
    from layerpeel.solvers.routes._sdp import solver_status as solver_status
else:
    __getattr__, __dir__ = on_demand(__name__)

LOSSES = tuple(_LOSSES)
"""Legal names of losses."""
