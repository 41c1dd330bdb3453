"""The stationary branch of one class under squared error: where it is as good as zero, and where it ends."""

import sympy

MORE, X = sympy.symbols("M_minus_1 z", positive=True)
M = MORE + 1
SLOPE = (1 - X) * X ** (MORE / (M + 1))
VALUE = (1 - X) ** 2 / 2 + (M + 1) / 2 * SLOPE * X ** (2 / (M + 1))
LEVEL = sympy.expand_log(sympy.log(M) + (M + 1) / M * sympy.log(SLOPE), force=True)
"""m, g and log b/n on the stationary branch."""

STATED = {
    "g at z = (M − 1)/M": sympy.Rational(1, 2),
    "dm/dz at z = (M − 1)/(2M)": sympy.Integer(0),
    "log b/n at z = (M − 1)/M": MORE / M * sympy.log(MORE) - sympy.log(M),
    "log b/n at z = (M − 1)/(2M)": (M + 1) / M * sympy.log(M + 1) + MORE / M * sympy.log(MORE) - sympy.log(4 * M),
}
OTHER_EXPONENT = {"log b/n at z = (M − 1)/M": MORE / (M + 1) * sympy.log(MORE) - sympy.log(M)}
"""With the exponent of m in place of that of b/n."""


def by_substitution() -> dict[str, sympy.Expr]:
    """The same from m, g and b/n as functions of z."""
    return {
        "g at z = (M − 1)/M": sympy.simplify(sympy.powsimp(VALUE.subs(X, MORE / M))),
        "dm/dz at z = (M − 1)/(2M)": sympy.simplify(sympy.diff(sympy.log(SLOPE), X).subs(X, MORE / (2 * M))),
        "log b/n at z = (M − 1)/M": LEVEL.subs(X, MORE / M),
        "log b/n at z = (M − 1)/(2M)": LEVEL.subs(X, MORE / (2 * M)),
    }
