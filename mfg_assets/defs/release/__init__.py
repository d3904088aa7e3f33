"""Released changes."""
