"""Rooms on vectors and half-spaces; each public module is one."""
