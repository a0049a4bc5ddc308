"""Error regression."""
