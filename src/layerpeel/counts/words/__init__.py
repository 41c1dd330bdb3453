"""Solutions in words: names, phases, tables and sentences."""
