"""Ways to a solution, one file each; the table says which covers what."""
