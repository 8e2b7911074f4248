"""Stacks: the planes of a file along time, channel and depth. NumPy only."""
