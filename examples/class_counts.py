"""Class counts to geometry
========================

What geometry do my class counts force on a classifier? Adapt COUNTS and the energies.
"""

import layerpeel

COUNTS = [5000, 5000, 2000, 500, 50, 50, 50]
FEATURE_ENERGY = 5.0  # mean squared norm of class means; weight rows have 1


def main() -> None:
    """Solve, and print what the optimum does to every group of equal classes."""
    solution = layerpeel.solve(layerpeel.LayerPeeled(counts=COUNTS, feature_energy=FEATURE_ENERGY))
    print(f"{solution.status}\nvalue in {solution.value}, rank {solution.rank} of at most {len(COUNTS) - 1}\n")
    for group in solution.groups:
        fate = "vanish" if group.vanished else "are one vector" if group.collapsed else "are distinct"
        print(
            f"{group.classes} x {group.samples:5g}: classifiers {fate if group.classes > 1 else 'single'}, "
            f"||w|| = {group.classifier_norm:.4f}, ||h|| = {group.feature_norm:.4f}"
        )
    print()
    print(layerpeel.remedy(COUNTS, feature_energy=FEATURE_ENERGY).to_text())


if __name__ == "__main__":
    main()
