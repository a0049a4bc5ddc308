"""Linear operators of activity with delays, and how alike the dynamics of systems are."""
