"""`mfg`: the command line.

Belongs here: arguments, layout, exit codes. Doesn't belong here: work that somebody could want without a terminal.

Nothing here imports Dagster, Great Expectations or dbt when it is loaded: `mfg --help` must answer at once.
"""
