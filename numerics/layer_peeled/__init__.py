"""What the Layer-Peeled Model needs: the nuclear-norm ball, block-symmetric matrices, and the surface of two-group optima."""
