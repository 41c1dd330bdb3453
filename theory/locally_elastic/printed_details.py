"""Details of the sources, each with what is printed and what is true: a start counted twice, a sign, an order of pairs, a growth rate."""

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances, printed
from layerpeel.theory.locally_elastic._in_symbols import printed_details as in_symbols
from layerpeel.theory.locally_elastic._measured import printed_details as details

ROOM = Room.of(
    Statement(
        name="printed-details",
        title="Details as printed, and as they are",
        latex=r"\bar X_t=\sum_ic_iu_ie^{\mu_it}\ (6);\quad [e_k-\bar p_k]_k+J(\tilde X-\varphi)=J\tilde X+[e_k-\bar p_k-J_k\varphi_k]_k"
        r"\ (15);\quad\langle\tilde X^k-\tilde X^l,\nu\rangle>0,\ k\text{ before }l\ (8);\quad 2^{1/10}-1=7.18\,\%",
        assumptions=(
            "(6): constant rates, a drift with a basis of eigenvectors u_i",
            "(12) and the first line of (15) have the sign of J wrong as well: room `linearization`; (18) takes it over",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, equations (6), (8) and (15); the growth rate: su2024, Equi-separation implies robustness"),
        meaning="Take the solution of the linear dynamics without the added start, and ask for one order of the classes along a direction. "
        "None of these slips changes a theorem, but code that copies the formulas inherits them.",
    ),
    *printed(
        "start-beside",
        "X̄_t = X̄_0 + Σ_i c_i u_i e^{μ_i t}, X̄_0 = Σ_i c_i u_i",
        over=instances("derivative {} at 0", *in_symbols.ORDERS),
        predict=lambda order: in_symbols.derivative(order, beside=1),
        instead=("start-once", "X̄_t = Σ_i c_i u_i e^{μ_i t}", lambda order: in_symbols.derivative(order, beside=0)),
        measure=in_symbols.by_the_drift,
        by="the derivatives Mⁿ X̄_0 that the LE-ODE gives, for symbolic eigenvectors",
        false={"growth-alone": ("X̄_t = Σ_i c_i u_i (e^{μ_i t} − 1)", lambda order: in_symbols.derivative(order, beside=0, less=1))},
        evidence=Evidence.PROOF,
    ),
    *printed(
        "plus-at-the-mean",
        "[e_k − p̄_k]_k + J(t)(X̃(t) − φ(t)) = J(t)X(t) + [e_k − p̄_k + J_k φ_k(t)]_k",
        over="constant beside e_k − p̄_k",
        predict=lambda: in_symbols.constant(1),
        instead=("minus-at-the-mean", "the second line is JX + [e_k − p̄_k − J_k φ_k]_k", lambda: in_symbols.constant(-1)),
        measure=in_symbols.added_at_the_mean,
        by="the first line, multiplied out for symbolic probabilities of three classes",
        false={"outer-product-forgotten": ("it is JX + [e_k − p̄_k − p̄_k ∘ φ_k]_k", lambda: in_symbols.constant(-1, outer=False))},
        evidence=Evidence.PROOF,
    ),
    *printed(
        "pairs-as-printed",
        "some direction ν has ⟨X̃^k(t) − X̃^l(t), ν⟩ > 0 ∀ k ≠ l",
        over=instances("{}", "k ≠ l", "k before l"),
        predict=lambda pairs: 0.0 if pairs == "k ≠ l" else None,
        instead=(
            "pairs-in-order",
            "it has for k before l, in one order of the classes",
            lambda pairs: 0.0 if pairs == "k before l" else None,
        ),
        measure_all=lambda setting: details.least_products(setting.rng),
        by="the least product over the pairs, with the best of random directions for random class means",
        false={"labels": Variant("it has for k < l, whatever the direction", 0.0, over="k < l, any ν")},
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "growth",
        "to double in 10 years, the annual growth rate is 2^{1/10} − 1 = 7.2 %, as printed",
        over="percent",
        predict=Bracket(7.15, 7.25),
        measure=details.yearly_percent,
        by="the tenth root of 2·10^60 in whole numbers",
        false={
            "cut-off": ("7.1 %", Bracket(7.05, 7.15)),
            "continuous": ("log(2)/10 = 6.9 %", Bracket(6.85, 6.95)),
        },
        evidence=Evidence.CERTIFIED.within(0.2, "what is printed to two digits is 0.1 wide"),
    ),
)
