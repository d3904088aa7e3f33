"""Which files an extract has, and which of them make one delivery.

Belongs here: finding, grouping and dating files. Doesn't belong here: reading what is in them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate, Extract, SystemFile

_DIGITS = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?$")


def source_folder(estate: Estate, system: SystemFile) -> Path:
    """The connector's folder, absolute. Raises SourceError when it doesn't exist."""
    folder = (estate.path / system.connector.path).resolve()
    if not folder.is_dir():
        raise SourceError(
            Problem(
                f"{system.system}: the folder {folder} does not exist",
                estate.path / "systems" / f"{system.system}.yaml",
                fix="correct connector.path, or the environment variable that it names",
            )
        )
    return folder


def list_source_files(estate: Estate, system_id: str, extract_name: str) -> list[Path]:
    """Files that match the extract's pattern now, by name; none when there are none or the folder is missing."""
    system = estate.systems[system_id]
    try:
        folder = source_folder(estate, system)
    except SourceError:
        return []
    return match(folder, system.extracts[extract_name].from_)


def match(folder: Path, pattern: str) -> list[Path]:
    """Files in a folder that match a pattern, sorted.

    Names that begin with a dot or end in `.tmp` or `.part` are deliveries still under way. A link that leads out of
    the folder is not read.

    Raises:
        SourceError: the pattern itself leads out of the folder.
    """
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        raise SourceError(Problem(f"the pattern {pattern!r} leads out of {folder}", fix="name files inside the folder"))
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.is_file()
        and not path.name.startswith(".")
        and path.suffix not in (".tmp", ".part")
        and path.resolve().is_relative_to(folder)
    )


def deliveries(files: list[Path], extract: Extract) -> list[list[Path]]:
    """Files grouped into batches as `batch_by` says, oldest name first.

    Raises:
        SourceError: a file name doesn't match the regular expression.
    """
    if extract.batch_by == "file":
        return [[f] for f in files]
    if extract.batch_by == "all":
        return [files] if files else []
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        found = re.search(extract.batch_by, file.name)
        if found is None or not found.groups():
            raise SourceError(Problem(f"the name doesn't match batch_by {extract.batch_by!r}", file))
        groups[found[1]].append(file)
    return [groups[k] for k in sorted(groups)]


def extracted_at(files: list[Path], extract: Extract, zone: str | None) -> datetime:
    """When the system made this delivery (UTC): from the file's name where the extract says how, else its time.

    Raises:
        SourceError: the name holds no time that can be read.
    """
    if extract.extracted_at is None:
        return datetime.fromtimestamp(max(f.stat().st_mtime for f in files), UTC)
    times = []
    for file in files:
        found = re.search(extract.extracted_at, file.name)
        moment = _moment(found[1]) if found and found.groups() else None
        if moment is None:
            raise SourceError(
                Problem(
                    f"the name holds no time where extracted_at {extract.extracted_at!r} looks for one",
                    file,
                    fix="let the first group match YYYYMMDD, YYYYMMDDHHMM, YYYYMMDDHHMMSS or ISO 8601",
                )
            )
        times.append(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone or "UTC")))
    return max(times).astimezone(UTC)


def _moment(text: str) -> datetime | None:
    digits = _DIGITS.match(text)
    try:
        if digits:
            return datetime(*(int(g or 0) for g in digits.groups()))  # type: ignore[arg-type]
        return datetime.fromisoformat(text)
    except ValueError:
        return None
