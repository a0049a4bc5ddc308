"""Force sine."""
