"""Brain timescales."""
