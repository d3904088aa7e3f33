"""One asset per system and extract."""
