-- Expectations that failed, with up to 100 rows of each. Grain: expectation and row.
select e.suite, e.expectation, e.severity, e.failed_rows, e.row_number, e.row_json
from mfg.expectation_failure as e
