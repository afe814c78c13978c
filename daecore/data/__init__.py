"""Data: samples and splits, verified downloads, image files, draws of labels, interpolation."""
