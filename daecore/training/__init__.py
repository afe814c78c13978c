"""Training: the loop, the objective, the optimiser, schedules, state and checkpoints."""
