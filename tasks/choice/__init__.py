"""Choices between alternatives, and reaches to one of several targets, after a go cue."""
