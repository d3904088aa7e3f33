"""The static report: one page with the control tower of a published version, for whoever has no BI tool.

Belongs here: what it says (facts), how it is drawn (charts), the page (page). Doesn't belong here: publishing.
"""

from mfg_assets.report.page import REPORT, write_report

__all__ = ["REPORT", "write_report"]
