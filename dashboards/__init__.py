"""Apache Superset dashboards as code, and what starts them over the demo's published state.

Belongs here: the bundle's source (datasets, charts, pages), writing it, a local Superset. Doesn't belong here: numbers;
those are published tables, of which the datasets' SQL only joins, counts and renames.
"""
