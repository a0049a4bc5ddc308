"""Sequences that a model learns to generate: stored ones, and those of generative processes."""
