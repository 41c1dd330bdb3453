"""What do my class counts force? Each command has a module: what it finds, and how that is said."""
