"""Context decision."""
