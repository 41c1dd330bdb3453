"""Separation from rates
=====================

Do three classes become separable, when a class moves itself by c/(1+t) and nobody else? The switch lies at c = K/2.
"""

import layerpeel

CLASSES, SAMPLES = 3, 10
TIMES = (10.0, 1e3, 1e6)


def main() -> None:
    """Print the share of simulated paths on which every two classes can be split, with its interval."""
    for strength in (0.5, 1.5, 4.0):
        print(f"alpha = {strength}/(1+t), beta = 0")
        for time in TIMES:
            simulated = layerpeel.simulate(
                model="I", classes=CLASSES, intra=f"{strength}/(1+t)", inter=0, time=time, samples=SAMPLES, paths=200, seed=1
            ).to_dict()
            share = simulated["separated"]
            print(f"  t = {time:9g}: {share['estimate']:.2f} in [{share['low']:.2f}, {share['high']:.2f}]")


if __name__ == "__main__":
    main()
