"""Sweeps: a space of options, what is tried next, the trials in worker processes, the table and the best."""
