"""Data quality: suites of expectations as YAML, run by Great Expectations inside DuckDB.

Belongs here: reading suites, running them by push-down, keeping rows that fail.
Doesn't belong here: the suites themselves (`expectations/`), dbt's tests, turning results into Dagster checks (`defs`).
"""

from mfg_assets.quality.failures import EXPECTATION_FAILURE
from mfg_assets.quality.run import CheckResult, run_suites
from mfg_assets.quality.suites import Expectation, Suite, load_suites

__all__ = ["EXPECTATION_FAILURE", "CheckResult", "Expectation", "Suite", "load_suites", "run_suites"]
