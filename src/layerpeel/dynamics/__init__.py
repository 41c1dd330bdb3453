"""Do the classes separate? The locally elastic equations simulated, and their strengths estimated from recorded logits."""

from layerpeel.dynamics.estimate import estimate as estimate
from layerpeel.dynamics.estimated_strengths import EstimatedStrengths as EstimatedStrengths
from layerpeel.dynamics.simulate import simulate as simulate
from layerpeel.dynamics.simulation import Simulation as Simulation
