"""Files for people: rows as an Excel workbook or CSV, typed, and with nothing in them that a spreadsheet would run.

Belongs here: writing such files. Doesn't belong here: which rows (callers), the terminal (`cli`).
"""

from mfg_assets.export.files import check_target, write_file
from mfg_assets.export.workbook import write_workbook

__all__ = ["check_target", "write_file", "write_workbook"]
