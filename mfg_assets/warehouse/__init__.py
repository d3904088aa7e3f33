"""The DuckDB warehouse: sessions, the estate → dbt hand-over, and running dbt.

Belongs here: whatever opens the warehouse file. Doesn't belong here: Dagster (defs), model SQL (dbt_project).
"""
