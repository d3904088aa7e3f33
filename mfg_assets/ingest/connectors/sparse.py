"""Records of which each brings its own columns, written aside in chunks of Parquet.

Belongs here: texts under names that are only known once the whole file was read. Doesn't belong here: taking a file
apart (`xml_records`, `x12_loops`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.table import ROW, Table, unique_names
from mfg_assets.warehouse.sql import identifier, path_literal

if TYPE_CHECKING:
    import pyarrow.parquet as pq

# A table of an ERP has hundreds of columns; beyond this the file's own values pass for names.
MAX_COLUMNS = 2_000
_CHUNK_ROWS = 10_000
_CHUNK_CHARACTERS = 8 << 20
_MAX_SHOWN = 10_000


class SparseRows:
    """Takes records one by one and holds no more than a chunk of them.

    Columns are numbered in the files and get their names in SQL, because Parquet readers confuse names that differ only
    in capitals. A column that appears later begins another file.
    """

    def __init__(self, path: Path, folder: Path, null_words: tuple[str, ...]) -> None:
        """Prepare for the records of the file `path`, to be written to the empty `folder`."""
        self.path, self._folder, self._nulls = path, folder, frozenset(null_words)
        self._places: dict[str, int] = {}
        self._rows: list[tuple[int, dict[int, str]]] = []
        self._bad: list[tuple[int, str, str]] = []
        self._characters, self._files, self._width = 0, 0, 0
        self._writer: pq.ParquetWriter | None = None
        self.count = 0

    def add(self, values: Mapping[str, str | None]) -> None:
        """Take the next record. A name without value is a column all the same.

        Raises:
            SourceError: there are too many columns for a table.
        """
        self.count += 1
        places, nulls, kept = self._places, self._nulls, {}
        for name, value in values.items():
            place = places.get(name)
            if place is None:
                place = places[name] = len(places)
            if value is not None and value not in nulls:
                kept[place] = value
                self._characters += len(value)
        if len(places) > MAX_COLUMNS:
            message = f"record {self.count:,} brings the column number {MAX_COLUMNS + 1:,}: these are no records"
            raise SourceError(
                Problem(message, self.path, fix="check records_path: or loop:, or ask for the file again")
            )
        self._rows.append((self.count, kept))
        if len(self._rows) >= _CHUNK_ROWS or self._characters > _CHUNK_CHARACTERS:
            self._flush()

    def refuse(self, record: str, why: str) -> None:
        """Take the next record as one that can't be taken apart."""
        self.count += 1
        self._bad.append((self.count, record[:_MAX_SHOWN], why))

    def table(self, name: str, ambiguous: frozenset[str] = frozenset(), warnings: tuple[str, ...] = ()) -> Table:
        """All records taken, as a table. Nothing can be added afterwards."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
        columns, doubled = unique_names(self._places)
        named = "".join(f"c{place} as {identifier(column)}, " for place, column in enumerate(columns))
        nothing = "".join(f"null::varchar as {identifier(column)}, " for column in columns)
        if self._files:
            files = ", ".join(path_literal(self._file(number)) for number in range(self._files))
            sql = f"select {named}{ROW} from read_parquet([{files}], union_by_name = true)"
        else:
            sql = f"select {nothing}null::bigint as {ROW} where false"
        return Table(
            name=name,
            path=self.path,
            columns=dict.fromkeys(columns, "VARCHAR"),
            sql=sql,
            malformed=self._write_bad() if self._bad else None,
            ambiguous=doubled | ambiguous,
            is_sparse=True,
            warnings=warnings,
        )

    def _file(self, number: int) -> Path:
        return self._folder / f"records-{number}.parquet"

    def _flush(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        width = len(self._places)
        schema = pa.schema([(ROW, pa.int64()), *((f"c{place}", pa.string()) for place in range(width))])
        if self._writer is None or width != self._width:
            if self._writer is not None:
                self._writer.close()
            self._writer = pq.ParquetWriter(self._file(self._files), schema)
            self._files, self._width = self._files + 1, width
        arrays = [pa.array([number for number, _ in self._rows], pa.int64())]
        arrays += [pa.array([row.get(place) for _, row in self._rows], pa.string()) for place in range(width)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._rows, self._characters = [], 0

    def _write_bad(self) -> str:
        import pyarrow as pa
        import pyarrow.parquet as pq

        target = self._folder / "malformed.parquet"
        numbers, records, why = zip(*self._bad, strict=True)
        pq.write_table(pa.table({ROW: pa.array(numbers, pa.int64()), "record": records, "why": why}), target)
        return f"select {ROW}, record, why from read_parquet({path_literal(target)})"
