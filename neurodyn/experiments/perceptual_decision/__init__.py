"""Perceptual decision."""
