"""Whether the minority coincides beside a bias, and what margins it has where it comes apart."""

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, LayerPeeled, Switch
from layerpeel.theory.layer_peeled._coming_apart import reported
from layerpeel.theory.layer_peeled._reference import reference


def coincide(case: tuple[int, float, int, float], penalty: float | None) -> Bracket:
    """What the semidefinite optimum shows."""
    majority, ratio, minority, energy = case
    problem = LayerPeeled.from_imbalance(majority, minority, ratio, feature_energy=energy, bias_penalty=penalty)
    return reported(Enclosures(reference(problem)).coincide(1))


def margin(at_switch: Switch) -> Bracket:
    """Own logit less one of the majority, in a minority row, at both energies."""
    ends = []
    for end in (at_switch.optimum_before, at_switch.optimum_beyond):
        logits = end.solution.group_logits
        middle, radius = logits.diagonal(1) - logits.entry(1, 0), 2 * end.logit_radius
        ends += [middle - radius, middle + radius]
    return Bracket(min(ends), max(ends), rigorous=True)
