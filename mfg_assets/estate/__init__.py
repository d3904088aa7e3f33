"""The estate: what one manufacturer runs, as YAML outside this package.

Belongs here: models, loader, JSON schema, checks. Doesn't belong here: reading source data (ingest).
"""
