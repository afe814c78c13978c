"""Analysis: likelihood, posterior, Langevin steps, vector fields, information, filters."""
