"""The slope of a changed loss along the singular direction inside a group."""

import sympy

B, DELTA, SCALE, MARGIN, OTHERS = sympy.symbols("b delta Delta m e", positive=True)
SIZE, CLASSES = 3, 4
INSIDE, AT_NONE = "slope inside a group over c_g", "the same at b = 0 without margin"
OTHER_SHARE = 1 / (sympy.exp(SCALE * B - MARGIN) + SIZE - 1 + OTHERS * sympy.exp(SCALE * B / SIZE))
"""p, the share of another class of the group."""

STATED_SLOPES = {INSIDE: SCALE * (1 - DELTA + OTHER_SHARE * (1 - sympy.exp(SCALE * B - MARGIN))), AT_NONE: SCALE * (1 - DELTA)}
SQUARED, TO_THE_OTHERS = {AT_NONE: SCALE**2 * (1 - DELTA)}, {AT_NONE: SCALE * (1 - DELTA * CLASSES / (CLASSES - 1))}
OWN_SHARE = {INSIDE: SCALE * (1 - DELTA - MARGIN * OTHER_SHARE)}
"""What they are not: with Δ², with labels smoothed over the other classes only, with a margin that lowers the own share."""


def inner_slopes() -> dict[str, sympy.Expr]:
    """−dL/db over what the direction I − 11ᵀ/K_g has of the own logit; the class beside the group weighs e, whatever is between."""
    logits = [SCALE * B * (SIZE - 1) / SIZE - MARGIN, *[-SCALE * B / SIZE] * (SIZE - 1), sympy.log(OTHERS)]
    total = sum((sympy.exp(each) for each in logits), sympy.Integer(0))
    loss = sympy.log(total) - (1 - DELTA) * logits[0] - DELTA / CLASSES * sum(logits, sympy.Integer(0))
    slope = -sympy.diff(loss, B) * sympy.Rational(SIZE, SIZE - 1)
    return {INSIDE: slope, AT_NONE: sympy.simplify(slope.subs({B: 0, MARGIN: 0}))}
