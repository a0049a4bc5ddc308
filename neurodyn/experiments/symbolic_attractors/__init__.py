"""Symbolic attractors."""
