"""What a sweep has kept, read from its store: as a table, as named axes, as figures, as files."""
