"""Plots: numbers in, figures out."""
