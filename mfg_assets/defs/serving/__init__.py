"""Serving in PostgreSQL."""
