"""Several layers peeled off: four classes on L ≥ 4 linear factors are better on a square than in a simplex, on L = 3 at larger decay."""

import numpy as np

from layerpeel.numerics import last_true
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._deep_codes import etf, square
from layerpeel.theory.layer_peeled._in_symbols import deep_codes
from layerpeel.theory.layer_peeled._measured import deep_factors as factors

DEPTHS = (2, 3, 4, 5)
PRODUCT = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, -1.0], [1.0, 0.0, 3.0]])
BEST = instances("L={}, μ={:g}", *((layers, decay) for layers in DEPTHS for decay in (1e-2, 1e-3)), (3, 0.012))
DEEP = instances("L={}, μ=1e-{}", *((layers, exponent) for layers in (4, 5, 8, 50) for exponent in (1, 2, 3, 30)))
THREE = instances("L={}, μ=1e-{}", (3, 2), (3, 3))

ROOM = Room.of(
    Statement(
        name="collapse-in-deep-features",
        title="With more layers peeled off, fewer dimensions than an ETF's are better",
        latex=r"\min_{W_L\cdots W_1=Z}\tfrac{\mu}{2}\sum_l\|W_l\|_F^2=\tfrac{L\mu}{2}\sum_i\sigma_i(Z)^{2/L};\quad K=4:\ "
        r"f_{\mathrm{square}}/f_{\mathrm{ETF}}\xrightarrow{\mu\to0}\tfrac13\,2^{1+2/L},\ \ f_{\mathrm{square}}<f_{\mathrm{ETF}}\ (L\geq4)",
        assumptions=(
            "cross-entropy, four classes, one sample each, linear layers, decay μ on L factors of which the features are one",
            "the talk's 1-Layer-Peeled Model has L = 2, its 2-Layer-Peeled Model L = 3",
            "square: logits c⟨v_k, v_l⟩ with v = ±e_1, ±e_2; each code at its best scale",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("garrod2025", "that high rank is not optimal under cross-entropy with several layers; codes and switch derived"),
        meaning="The more layers share the weight decay, the more it counts dimensions, and the less a simplex of class means pays. "
        "In the model with one layer it is best, with two only at small decay, and with three or more four classes do better on a square.",
    ),
    claim(
        "penalty",
        "the least Σ‖W_l‖² over L factors of Z is L Σ σ_i(Z)^{2/L}",
        over=instances("L={}", *DEPTHS),
        predict=lambda layers: layers * spectral_sum(2 / layers),
        rounding=1e-12,
        measure_all=lambda setting: [factors.least_energy(PRODUCT, layers, setting.rng) for layers in DEPTHS],
        by="descent over the factors of one matrix",
        false={
            "nuclear-norm": ("it is L Σ σ_i for every L", lambda layers: layers * spectral_sum(1.0) if layers > 2 else None),
            "features-not-counted": ("it is L Σ σ_i^{2/(L+1)}", lambda layers: layers * spectral_sum(2 / (layers + 1))),
        },
        evidence=Evidence.EMPIRICAL.within(1e-6, "where descent stops is granted 4e-8 to either side"),
    ),
    claim(
        "best",
        "at μ = .01 and .001 the ETF is best for L = 2 and 3, and the square for L = 4 and 5; for L = 3 the square is at μ = .012",
        over=BEST,
        predict=lambda layers, decay: min(etf(layers, decay), square(layers, decay)),
        rounding=1e-12,
        measure_all=lambda setting: [factors.value(setting.rng, *case) for case in BEST.values()],
        by="the least value where descents over the factors end, from random starts",
        false={
            "always-etf": ("the ETF is best for every L", lambda *case: etf(*case) if case[0] > 3 else None),
            "etf-at-three": ("it is for L = 3 at every μ", lambda *case: etf(*case) if case == (3, 0.012) else None),
            "square-at-three": ("the square is for L = 3 at every μ", lambda *case: square(*case) if case == (3, 0.01) else None),
        },
        evidence=Evidence.EMPIRICAL.within(1e-5, "where descent stops is granted 4e-8 to either side"),
    ),
    claim(
        "loss-at-one-scale",
        "with equal least margins s the square's loss is less: e^loss is smaller by x(1 − x), x = e^{−s}",
        over="",
        predict=lambda: {"ETF less square": deep_codes.x * (1 - deep_codes.x)},
        measure=lambda: {"ETF less square": deep_codes.excess()},
        by="margins of the codes' vectors",
        false={"neighbours-alone": ("it is smaller by x, without the opposite corner", lambda: {"ETF less square": deep_codes.x})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "every-decay",
        "for L ≥ 4 the square is better at every μ: at the ETF's scale its loss is less, and so is its penalty, as 2·2^{2/L} < 3",
        over=DEEP,
        predict=1.0,
        measure_all=lambda _: {label: factors.ratio(*case) for label, case in (DEEP | THREE).items()},
        by="the square's least value over the ETF's, in balls",
        false={"from-three-on": Variant("it is for L = 3", 1.0, over=THREE)},
        evidence=Evidence.CERTIFIED,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "small-decay",
        "as μ → 0 the square's value is 2·2^{2/L}/3 of the ETF's",
        over=instances("L={}", *DEPTHS),
        predict=lambda layers: 2 ** (1 + 2 / layers) / 3,
        rounding=1e-4,
        measure=lambda layers: factors.ratio(layers, exponent=10_000),
        by="the ratio of their least values at μ = 10^−10000, in balls",
        false={
            "features-not-counted-in-ratio": ("it is 2·2^{2/(L+1)}/3", lambda layers: 2 ** (1 + 2 / (layers + 1)) / 3),
            "ranks-alone": ("it is 2/3, as the ranks are", 2 / 3),
        },
        evidence=Evidence.CERTIFIED.within(1e-2, "at μ = 10^−10000 the ratio is still 4e-5 from its limit"),
    ),
    claim(
        "switch",
        "for L = 3 the ETF is best up to μ = .0117605, and the square from there to .15",
        over="L=3",
        predict=lambda: last_true(lambda decay: etf(3, decay) < square(3, decay), 0.005, 0.05, width=1e-12),
        measure_all=lambda setting: [factors.switch(setting.rng, 3, 0.005, 0.05)],
        by="bisection, with the best ends of descents that have rank three and two",
        false={
            "depth-forgotten": ("it is where μ is Lμ/2", 1.5 * 0.0117605),
            "one-per-cent": ("it is one per cent earlier", 0.99 * 0.0117605),
        },
        evidence=Evidence.EMPIRICAL.within(2e-5, "the bisection stops at relative 2e-5, and descents add less than 1e-7"),
    ),
    figures=(lambda _: factors.draw(etf, square),),
)


def spectral_sum(power: float) -> float:
    """Σσ^power of the matrix that is factored."""
    return float(np.sum(np.linalg.svd(PRODUCT, compute_uv=False) ** power))
