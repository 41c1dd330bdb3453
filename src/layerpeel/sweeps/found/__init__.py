"""What a sweep found: read from its store as a table, as named axes, as figures, as files."""
