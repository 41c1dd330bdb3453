"""Geometric theories of deep learning, checked: the Layer-Peeled Model, local elasticity, equi-separation."""
