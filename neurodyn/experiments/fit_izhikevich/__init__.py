"""Fit izhikevich."""
