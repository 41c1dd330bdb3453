"""How many times as often a group must be drawn, or weighed, so that its classes stay apart: found, said, and drawn."""
