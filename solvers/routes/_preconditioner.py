"""What inverts most of the curvature of the program over factors, in operations on single entries.

Column a of the factors belongs to group a, groups in order of their slopes c_g/d_g. Near the start, where H and W are nearly diagonal with
√δ_a in column a and rows of ∇²f nearly diagonal too, the curvature couples four numbers only, h_ka, w_ka, h_ak and w_ak. With
D_ka = c_k p_ka/d_k² and its mean D̄ with D_ak, h ± w separates them into pairs, which are solved at once, and the turns of all columns,
which change nothing, are left alone.
"""

import numpy as np

from layerpeel.solvers.routes._low_rank import LowRank, Place, Vector


class Inverse:
    """What inverts most of the Hessian at a place."""

    def __init__(self, program: LowRank, at: Place) -> None:
        self.program, self.at = program, at
        width, level = program.width, at.multiplier
        features, classifier, inner = program.parts(at.x)
        bends = at.shares * (program.pulls * program.rows)[:, None]
        bends[np.diag_indices_from(bends)] *= 1.0 - at.shares.diagonal() * program.sizes
        bends = 0.5 * (bends + bends.T)[:, :width]
        lengths = 0.5 * (features**2 + classifier**2).sum(axis=0)
        self.roots = np.sqrt(lengths)
        head, masses = bends[:width], lengths[:, None] + lengths
        self.alike = self.roots / (head * masses**2)
        self.apart = head * self.roots / (2.0 * level + head * masses)
        below, steep = bends[width:] * lengths, -at.outer.diagonal()[width:, None]
        self.below = 1.0 / (below + np.maximum(level - steep, 0.0)), 1.0 / (below + level + steep)
        if program.several:
            kept = program.kept(at) - (at.own - at.inside) ** 2 * (program.copies / program.sizes)
            bent = program.pulls * program.rows * 2.0 * program.halves * inner**2 * kept
            self.within = 1.0 / (bent + np.maximum(level + at.inner, 0.0) + 1e-6 * level)

    def __call__(self, slope: Vector) -> Vector:
        program, width = self.program, self.program.width
        features, classifier, inner = program.parts(slope)
        alike, apart = features + classifier, features - classifier
        turned = alike[:width] * self.roots
        alike[:width] = self.alike * (turned + turned.T)
        alike[width:] *= self.below[0]
        turned = apart[:width] * self.roots
        apart[:width] = (apart[:width] - self.apart * (turned - turned.T)) / (2.0 * self.at.multiplier)
        apart[width:] *= self.below[1]
        if program.idle is not None:
            alike -= (alike @ program.idle)[:, None] * program.idle
            apart -= (apart @ program.idle)[:, None] * program.idle
        across = 0.5 * (alike - apart)
        across -= program.centre[:, None] * (program.centre @ across)
        direction = np.concatenate([(0.5 * (alike + apart)).ravel(), across.ravel(), inner])
        if program.several:
            program.parts(direction)[2][:] *= self.within
        return program.tangential(self.at, direction)
