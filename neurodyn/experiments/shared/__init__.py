"""Helpers that several experiments share: settings, training, scores and figures."""
