"""Signals over time: cut around events, smoothed, averaged over trials."""
