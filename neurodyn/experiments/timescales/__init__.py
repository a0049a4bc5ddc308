"""Emergent timescales: whether long memories come from slow neurons or from recurrence."""
