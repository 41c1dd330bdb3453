"""Whether samples can be split by hyperplanes: certificates both ways, and the exact probability for Gaussian samples."""
