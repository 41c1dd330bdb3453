"""Leading terms of the threshold at extreme energies and for many classes, in balls; predictions only."""

from flint import arb


def slope_at_zero(majority: int, minority: int) -> arb:
    """K/(K_A (K − 1))."""
    classes = majority + minority
    return arb(classes) / (majority * (classes - 1))


def line_at_infinity(majority: int, minority: int) -> tuple[arb, arb]:
    """Slope Kφ/κ in ε and constant (K_A − 1)(φ − 1) ℓ/κ − ½ log(K K_B) of log R0."""
    classes = arb(majority + minority)
    root = (classes / minority).sqrt()
    split = 1 + (majority - 1) * root
    margin = (((classes * minority).sqrt() - minority) / majority).log()
    return classes * root / split, (majority - 1) * (root - 1) * margin / split - (classes * minority).log() / 2


def log_excess(share: float, root: float) -> arb:
    """log(e^{ε/α} − 1)."""
    return (arb(root) / share).expm1().log()


def crowd_constant(majority: int, root: float) -> arb:
    """½ η (1 − e^{−2w})."""
    eta = arb(root) / majority
    return -eta / 2 * (-2 * eta.lambertw()).expm1()
