"""Recurrences over time, whose backward passes keep little: leaky, latent, forced, and any step."""
