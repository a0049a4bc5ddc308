"""Timescales."""
