"""Comparison of runs: what is read from them, paired image by image and seed by seed."""
