"""What people run: the command line and the theorem-check report."""
