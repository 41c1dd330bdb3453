"""Which maps of the features keep the separation fuzziness D = Tr(SSW SSB⁺).

Proof. Both scatter matrices are XᵀCX with a symmetric C (the projection onto class means minus that onto the mean, over n; or the identity
minus that onto class means) that sends 1 to zero. So (sXA + 1bᵀ)ᵀC(sXA + 1bᵀ) = s²AᵀXᵀCXA, for all n, K, p, samples, A and b. For an
orthogonal Q the matrix Qᵀ SSB⁺ Q satisfies Penrose's four conditions for Qᵀ SSB Q, so it is its pseudo-inverse, and SSW' SSB'⁺ =
Qᵀ SSW SSB⁺ Q has the same trace. If SSB has rank p, so has AᵀSSB A for invertible A, the pseudo-inverses are inverses, and SSW' SSB'⁻¹ =
Aᵀ (SSW SSB⁻¹) A⁻ᵀ. If not, A need not keep D: in the plane, with class means on one line, a shear does not.
"""

import sympy
from sympy import Matrix, Rational

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.equi_separation._exact import exact_fuzziness, fuzziness_in_means
from layerpeel.theory.equi_separation._in_symbols import scatter
from layerpeel.theory.equi_separation._measured.moved_features import ROUNDING, changes

POINTS = Matrix([[0, 0, 1], [2, 0, 0], [5, 1, 0], [7, 2, 1], [1, 6, 0], [2, 9, 3]])
"""Six samples of three classes in R³, two each: more directions than SSB has, so D sees only part of the space."""
FLAT = POINTS[:, :2]
"""The same in the plane, where SSB has full rank."""
LABELS = (0, 0, 1, 1, 2, 2)

TURN = Matrix([[Rational(3, 5), Rational(-4, 5), 0], [Rational(4, 5), Rational(3, 5), 0], [0, 0, 1]])
STRETCH = Matrix([[2, 5], [-1, 3]])
SHEAR = Matrix([[1, 0, 0], [0, 1, 0], [1, 2, 1]])

KEEPING = {
    "translation": (POINTS, POINTS + sympy.ones(6, 1) * Matrix([[3, -7, 11]]), 1),
    "orthogonal map": (POINTS, POINTS * TURN, 1),
    "common scaling": (POINTS, Rational(7, 3) * POINTS, 1),
    "every sample twice": (POINTS, Matrix.vstack(POINTS, POINTS), 2),
    "invertible map, p = K − 1": (FLAT, FLAT * STRETCH, 1),
}
"""Points, where they move, and how often their labels are repeated."""
NOT_KEEPING = {"invertible map, p = K": (POINTS, POINTS * SHEAR, 1)}

SLIGHT = 30 * ROUNDING
"""Widest bracket that still confirms."""

ROOM = Room.of(
    Statement(
        name="equi-separation-invariances",
        title="What separation fuzziness does not notice",
        latex=r"D(X)=\operatorname{Tr}(\mathrm{SSW}\,\mathrm{SSB}^{+}):\quad D(sXQ+\mathbf 1b^{\top})=D(X)\ \ (QQ^{\top}=I,\ s\ne0),"
        r"\qquad \operatorname{rank}\mathrm{SSB}=p\ \Rightarrow\ D(XA)=D(X)\ \ \text{for all invertible } A,"
        r"\ \text{and not in general otherwise}",
        assumptions=("every class has a sample", "for invertible maps: SSB of full rank, which needs p ≤ K − 1"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("he2023", "separation fuzziness, equation (1); the invariances are derived"),
        meaning="Shifting, rotating, rescaling or duplicating features leaves separation fuzziness as it is. Stretching single directions "
        "does so only where class means span the whole space, so in wide layers the value depends on the coordinates you measure in.",
    ),
    claim(
        "for-all-data",
        "translation, orthogonal maps and scaling keep D whatever the data; so does every invertible map where SSB has full rank",
        over=scatter.WORDS | {scatter.TURNED: (None, sympy.Integer(0))},
        predict=lambda _, equal: equal,
        measure_all=lambda _: scatter.multiplied_out(),
        by="multiplying out; matrices of any size are symbols that do not commute, and in the plane all entries are free",
        false={
            "sheared": Variant("a shear keeps D where class means lie on a line", sympy.Integer(0), over=scatter.SHEARED),
            "first-power": Variant("the scatter grows with s", scatter.FIRST_POWER, over=scatter.SCATTER),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "exact",
        "so they do at six points of three classes, in rational arithmetic, and so does taking every sample twice",
        over=KEEPING,
        predict=lambda before, *_: fuzziness_in_means(before, LABELS),
        measure_all=lambda _: {move: exact_fuzziness(after, LABELS * times) for move, (_, after, times) in (KEEPING | NOT_KEEPING).items()},
        by="Tr(SSW SSB⁺) after each move, in rational arithmetic; before it D is predicted in coordinates of the class means",
        false={
            "any-dimension": Variant(
                "an invertible map keeps D whatever p is (exact data)",
                lambda before, *_: fuzziness_in_means(before, LABELS),
                over=NOT_KEEPING,
            )
        },
        evidence=Evidence.CERTIFIED.within(0.0, "rational arithmetic has no rounding"),
    ),
    claim(
        "in-doubles",
        "translation, rotation, scaling, duplication and, for p = K − 1, invertible maps keep D on random data",
        over=instances("{}", "translation", "orthogonal map", "common scaling", "duplicates", "invertible, p = K − 1"),
        predict=0.0,
        measure_all=lambda setting: changes(setting.rng),
        by="the largest relative change of D over twenty draws of data, in doubles; also for an invertible map with p > K − 1",
        false={
            "any-dimension-in-doubles": Variant("an invertible map keeps D on random data whatever p is", 0.0, over="invertible, p > K − 1")
        },
        evidence=Evidence.EMPIRICAL.within(SLIGHT, "fifteen times the rounding of D under maps of moderate condition, to either side"),
    ),
)
