"""Stacks: planes of one file along time, channel and depth. NumPy only."""
