"""Which files an extract has, and which of them make one delivery.

Belongs here: finding, grouping and dating files. Doesn't belong here: reading what is in them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.estate.systems import ControlFile, Extract, FilesConnector, SystemFile

_DIGITS = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?$")
# Deliveries still under way.
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_PACKED = (".gz", ".gzip", ".zip")


@dataclass(frozen=True)
class Delivery:
    """The files of one batch.

    `data` hold its records; `joins` are the files of each join, by alias; `controls` are the companions that are there,
    by data file.
    """

    data: tuple[Path, ...]
    joins: dict[str, tuple[Path, ...]]
    controls: dict[Path, Path]
    extracted_at: datetime

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, each once."""
        joined = (path for paths in self.joins.values() for path in paths)
        return tuple(dict.fromkeys((*self.data, *joined, *self.controls.values())))


def connector_folder(estate: Estate, system: SystemFile) -> Path | None:
    """Where the system's files are to be, whether they are there or not; None for a database."""
    connector = system.connector
    return (estate.path / connector.path).resolve() if isinstance(connector, FilesConnector) else None


def source_folder(estate: Estate, system: SystemFile) -> Path:
    """The connector's folder, absolute. Raises SourceError when it doesn't exist."""
    folder = connector_folder(estate, system)
    if folder is None:
        raise SourceError(Problem(f"{system.system} delivers no files, it is a database"))
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
    """Files that match the extract's pattern now, by name; none when there are none, no folder, or a database.

    Raises:
        SourceError: the pattern or a link leads out of the folder.
    """
    system = estate.systems[system_id]
    folder = connector_folder(estate, system)
    if folder is None or not folder.is_dir():
        return []
    return _data_files(source_folder(estate, system), system.extracts[extract_name])


def match(folder: Path, pattern: str) -> list[Path]:
    """Files in a folder that match a pattern, sorted. Hidden and unfinished ones are left alone.

    Raises:
        SourceError: the pattern or a link leads out of the folder.
    """
    parts = PurePosixPath(pattern).parts
    if not parts or PurePosixPath(pattern).is_absolute() or ".." in parts:
        raise SourceError(Problem(f"the pattern {pattern!r} leads out of {folder}", fix="name files inside the folder"))
    # A name may hold characters of a pattern, as in `orders[1].csv`.
    exact = folder / pattern
    candidates = [exact] if exact.is_file() else sorted(folder.glob(pattern))
    found = []
    for path in candidates:
        if not path.is_file() or path.name.startswith(".") or path.suffix.lower() in _UNFINISHED:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise SourceError(
                Problem(f"a link that leads out of {folder}; it is not read", path, fix="remove the link")
            )
        found.append(path)
    return found


def find_deliveries(estate: Estate, system_id: str, extract_name: str) -> list[Delivery]:
    """What there is to land, oldest first.

    Raises:
        SourceError: the folder is missing, no file matches, or a name holds no time or group where one is declared.
    """
    system, extract = estate.systems[system_id], estate.extract(system_id, extract_name)
    folder = source_folder(estate, system)
    files = _data_files(folder, extract)
    if not files:
        raise SourceError(
            Problem(
                f"{system_id}.{extract_name}: no file matches {extract.from_!r} in {folder}",
                estate.path / "systems" / f"{system_id}.yaml",
                fix="correct `from`, or ask the system for its delivery",
            )
        )
    joins = {join.as_: tuple(match(folder, join.from_)) for join in extract.joins}
    control = extract.complete_when.control_file if extract.complete_when else None
    result = []
    for group in deliveries(files, extract):
        controls = {path: found for path in group if control and (found := control_file_of(path, control)) is not None}
        result.append(Delivery(tuple(group), joins, controls, extracted_at(group, extract, system.timezone)))
    return sorted(result, key=lambda d: (d.extracted_at, d.data[0].name))


def relative_name(path: Path, folder: Path) -> str:
    """How people know a file: its path within the connector's folder."""
    return path.relative_to(folder).as_posix()


def control_file_of(data: Path, control: ControlFile) -> Path | None:
    """The companion of a data file, or None while there is none. `{stem}` is the file's name without its ending."""
    pattern = control.pattern.replace("{stem}", _escaped(_stem(data)))
    exact = data.parent / control.pattern.replace("{stem}", _stem(data))
    if exact.is_file() and exact != data:
        return exact
    found = [path for path in match(data.parent, pattern) if path != data]
    return found[0] if len(found) == 1 else None


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
        moment = _moment(found[1]) if found and found.groups() and found[1] else None
        if moment is None:
            raise SourceError(
                Problem(
                    f"the name holds no time where extracted_at {extract.extracted_at!r} looks for one",
                    file,
                    fix="let the first group match YYYYMMDD, YYYYMMDDHHMM, YYYYMMDDHHMMSS or ISO 8601",
                )
            )
        if moment.tzinfo is None and zone is None:
            raise SourceError(Problem("the time in its name can't be read: the system declares no timezone:", file))
        times.append(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone or "UTC")))
    return max(times).astimezone(UTC)


def _data_files(folder: Path, extract: Extract) -> list[Path]:
    files = match(folder, extract.from_)
    control = extract.complete_when.control_file if extract.complete_when else None
    if control is None:
        return files
    companions = {found for path in files if (found := control_file_of(path, control)) is not None}
    return [path for path in files if path not in companions]


def deliveries(files: list[Path], extract: Extract) -> list[list[Path]]:
    """Files grouped into batches as `batch_by` says, by name.

    Raises:
        SourceError: a file name doesn't match the regular expression.
    """
    if extract.batch_by == "file":
        return [[f] for f in files]
    if extract.batch_by == "all":
        return [files]
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        found = re.search(extract.batch_by, file.name)
        if found is None or not found.groups() or found[1] is None:
            raise SourceError(Problem(f"the name doesn't match batch_by {extract.batch_by!r}", file))
        groups[found[1]].append(file)
    return [groups[k] for k in sorted(groups)]


def _stem(path: Path) -> str:
    name = Path(path.name)
    while name.suffix.lower() in _PACKED:
        name = name.with_suffix("")
    return name.stem


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _moment(text: str) -> datetime | None:
    digits = _DIGITS.match(text)
    try:
        if digits:
            year, month, day, hour, minute, second = (int(g or 0) for g in digits.groups())
            return datetime(year, month, day, hour, minute, second)
        return datetime.fromisoformat(text)
    except ValueError:
        return None
