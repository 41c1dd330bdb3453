"""Rooms on the law of equi-separation."""
