"""Rooms of the Layer-Peeled Model, one module each."""
