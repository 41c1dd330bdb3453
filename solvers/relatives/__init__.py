"""Programs and unknowns beside the one that `solve` answers: many at once, by samples, blocks or factors, several layers, a ReLU."""
