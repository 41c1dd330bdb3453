"""The law of equi-separation on real images: log D falls along a straight line through the layers of a trained network."""

from itertools import product

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.equi_separation._measured.shapes import OBEYING, draw_law, powers, shapes
from layerpeel.theory.equi_separation._networks import networks

STRAIGHT = -0.985
"""Largest correlation of depth and log D: depth then explains 97 of 100 parts of the variance of log D. The source's linear net reaches
−.93, that is 86 of 100, so less shows nothing."""
RESIDUAL = 0.15
"""Largest residual of log D as a share of its range: a fall in one layer alone leaves two to five times as much."""
BOUNDS = {"decay ratio": 1.0, "Pearson's r": STRAIGHT, "largest residual": RESIDUAL, "lost rank of SSB": 0.0}
"""What the law bounds from above: 0 < ρ < 1, and the shape of the fall. D ignores directions in which class means coincide, so D compares
layers only where SSB has rank K − 1 in all of them."""

POWER = 4 / 3
"""Largest γ, or 1/γ, of the power of depth that explains most of log D: the law is γ = 1. The correlation alone lets powers from 2/3 to 3/2
pass."""

ROOM = Room.of(
    Statement(
        name="equi-separation-law",
        title="The law of equi-separation",
        latex=r"D_t\approx c\,\rho^{\,t},\qquad 0<\rho<1,\qquad D=\operatorname{Tr}(\mathrm{SSW}\,\mathrm{SSB}^{+})",
        assumptions=(
            "feed-forward nets with batch norm and ReLU, trained until they label 98 of 100 training images correctly, or more",
            "MNIST at 10×10 pixels, 100 images a class; layer 0 is the input",
            "a learning rate chosen for the depth, on other seeds",
            "SSB of rank K − 1 in every layer, which is measured",
            "at most twelve layers: at twenty, which the full profile measures, r is −.97 to −.99: the first and last layers gain most",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "equation (2); su2024, Part II"),
        meaning="In trained MNIST networks with batch norm and ReLU, up to twelve layers deep, each layer divides within-class spread "
        "relative to between-class spread by about one factor. Without batch norm or nonlinearity it fails; at twenty layers the line "
        "bends.",
    ),
    claim(
        "straight-line",
        "at three depths, and for the control's recipe with batch norm, log D falls along a straight line: ρ < 1, r ≤ −.985, "
        "no residual above .15 of the range, and SSB keeps its rank",
        over=instances("{}: {}", *product(OBEYING, BOUNDS)),
        predict=lambda _, quantity: BOUNDS[quantity],
        measure_all=lambda setting: shapes(networks(setting)),
        by="the fit of the line to log D at the end of training, over trials; and the share of training images that are labelled correctly",
        false={
            "without-batch-norm": Variant(
                "a net without batch norm, trained until it labels 98 of 100 training images correctly, has r ≤ −.985 too",
                STRAIGHT,
                over=instances("no batch norm: Pearson's r", ()),
            ),
            "linear-net": Variant("a net without nonlinearity has r ≤ −.985 too", STRAIGHT, over=instances("linear: Pearson's r", ())),
            "as-steep-when-deep": Variant(
                "the deepest net lowers D in a layer as far as the shallowest, to .45 or less: ρ does not depend on depth",
                0.45,
                over=instances("deep: decay ratio", ()),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(0.0, "the whole interval over trials must lie on the side that the law allows"),
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "first-power",
        "of all curves log D = a + b tᵞ the best has γ between 3/4 and 4/3",
        over=instances("{}", *OBEYING),
        predict=POWER,
        measure_all=lambda setting: powers(networks(setting)),
        by="γ or 1/γ, whichever is larger, for the best power tᵞ of depth; and γ itself",
        false={
            "linear-net-power": Variant(
                "in a net without nonlinearity too the best power is near one", POWER, over=instances("linear", ())
            ),
            "root-of-depth": Variant(
                "log D falls with the root of depth: γ = 1/2", 0.5, kind=Kind.EQUALITY, over=instances("{}: power", *OBEYING)
            ),
        },
        evidence=Evidence.EMPIRICAL.within(0.0, "as before"),
        kind=Kind.UPPER_BOUND,
        origin=Origin.DERIVED,
    ),
    figures=(draw_law,),
)
