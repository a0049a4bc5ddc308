"""What when."""
