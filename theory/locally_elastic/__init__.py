"""Rooms on the locally elastic ODE and SDE."""
