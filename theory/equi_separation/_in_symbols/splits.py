"""The product of perturbed ratios in symbols: its first order, and the convexity that settles all orders."""

import sympy

RATIOS = {n: sympy.symbols(f"r1:{n + 1}", positive=True) for n in (2, 3, 5)}
ratio, epsilon = sympy.symbols("r epsilon", positive=True)
shift = sympy.Symbol("x", real=True)

STATED = {
    **{f"first order, {n} ratios": (sympy.Add(*(1 / r for r in ratios)),) for n, ratios in RATIOS.items()},
    "curvature of log(r exp(x) + ε)": (ratio * epsilon * sympy.exp(shift) / (ratio * sympy.exp(shift) + epsilon) ** 2,),
    "least remainder": (sympy.Integer(0),),
    "where": (sympy.Integer(0),),
}
RATIOS_BY_LABEL = {f"first order, {n} ratios": ratios for n, ratios in RATIOS.items()}


def derivatives() -> dict[str, sympy.Expr]:
    """First orders in ε, the curvature, and the least remainder with its place."""
    first_orders = {
        f"first order, {n} ratios": sympy.expand(sympy.diff(sympy.log(sympy.Mul(*(r + epsilon for r in ratios))), epsilon).subs(epsilon, 0))
        for n, ratios in RATIOS.items()
    }
    remainder = sympy.exp(-shift) - 1 + shift
    (place,) = sympy.solve(sympy.diff(remainder, shift), shift)
    return first_orders | {
        "curvature of log(r exp(x) + ε)": sympy.diff(sympy.log(ratio * sympy.exp(shift) + epsilon), shift, 2),
        "least remainder": remainder.subs(shift, place),
        "where": place,
    }
