"""Recordings and trajectories of known systems as tasks: windows that a model must predict."""
