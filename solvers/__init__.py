"""The Layer-Peeled programs: problem in, certified solution out."""

from solvers._batch import SolutionBatch as SolutionBatch
from solvers._batch import solve_batch as solve_batch
from solvers._blocks import Blocks as Blocks
from solvers._blocks import solve_blocks as solve_blocks
from solvers._certificate import Certificate as Certificate
from solvers._certificate import certify as certify
from solvers._certificate import certify_multiplier as certify_multiplier
from solvers._certificate import dual_slope as dual_slope
from solvers._classes import NORM_WEIGHTS as NORM_WEIGHTS
from solvers._classes import Group as Group
from solvers._deep_linear import DeepLinear as DeepLinear
from solvers._deep_linear import descend_linear as descend_linear
from solvers._deep_linear import enclose_one_layer as enclose_one_layer
from solvers._deep_linear import fitted_start as fitted_start
from solvers._deep_linear import random_start as random_start
from solvers._descent import descend as descend
from solvers._distance import certify_distance as certify_distance
from solvers._distance import low_rank_excess as low_rank_excess
from solvers._enclosures import Enclosures as Enclosures
from solvers._losses import LOSSES as _LOSSES
from solvers._nonnegative import NonNegative as NonNegative
from solvers._nonnegative import NonNegativeEnclosure as NonNegativeEnclosure
from solvers._nonnegative import descend_nonnegative as descend_nonnegative
from solvers._nonnegative import enclose_nonnegative as enclose_nonnegative
from solvers._problem import LayerPeeled as LayerPeeled
from solvers._problem import Problem as Problem
from solvers._problem import UnconstrainedFeatures as UnconstrainedFeatures
from solvers._samples import solve_samples as solve_samples
from solvers._sdp import SOLVERS as SOLVERS
from solvers._sdp import SolverFailed as SolverFailed
from solvers._sdp import require_solver as require_solver
from solvers._sdp import solver_status as solver_status
from solvers._solution import GroupGeometry as GroupGeometry
from solvers._solution import Solution as Solution
from solvers._solution import Status as Status
from solvers._solve import ROUTES as ROUTES
from solvers._solve import solve as solve
from solvers._threshold import Switch as Switch
from solvers._threshold import bracket_switch as bracket_switch
from solvers._threshold import bracket_threshold as bracket_threshold
from solvers._threshold import collapse_switch as collapse_switch
from solvers._threshold import critical_oversampling as critical_oversampling
from solvers._threshold import excessive_oversampling as excessive_oversampling

LOSSES = tuple(_LOSSES)
"""Legal names of losses."""
