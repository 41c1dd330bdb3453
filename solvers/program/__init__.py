"""What is minimised: classes and their counts, losses, a ball or a penalty for the nuclear norm."""
