"""Hand-over and dbt models."""
