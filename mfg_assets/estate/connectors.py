"""What a kind of source needs to be told about each of its extracts.

Belongs here: keys that one format or connector demands and another has no use for.
Doesn't belong here: keys that hold for every extract (`mappings`), looking at sources (`check`).
"""

from __future__ import annotations

import re

from mfg_assets.estate.document import Part

# Formats that are no lines of text, so that no last line can count the others.
_WITHOUT_LINES = ("xml", "x12")
# What a database knows itself, or has no equivalent of.
_FILES_ONLY = {
    "batch_by": "each read of a database is one delivery",
    "extracted_at": "a delivery of a database is as old as its transaction",
    "complete_when": "a snapshot of a database is read in one transaction, which proves it whole",
    "joins": "write the join into query:",
}
# File options that say how texts are to be understood, wherever they come from.
SQL_OPTIONS = ("decimal", "thousands", "trailing_minus", "date_formats", "null_words")
_SELECT = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(select|with)\b", re.IGNORECASE | re.DOTALL)


def check_connector(connector: Part) -> None:
    """Report a database URL that is none, or that shows a password to every reader of the file."""
    url = connector["url"]
    if connector["type"].value != "sql" or url.text is None:
        return
    # Takes a quarter of a second, which estates without databases needn't wait for.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url.text)
    except (ArgumentError, ValueError):
        fix = "write dialect://user:password@host:port/database, or sqlite:///path/to/file.sqlite"
        url.report("the URL of the database can't be read", fix, unusable=True)
        return
    if parsed.password and url.location not in url.document.variables:
        url.report("the password stands in the file", "put it into an environment variable and write ${NAME} here")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        fix = "name the file: sqlite:///extracts/erp.sqlite"
        url.report("a database in memory holds nothing", fix, unusable=True)


def check_source(extract: Part, connector: Part) -> None:
    """Report where an extract doesn't say what it reads, or says it in the words of another connector."""
    named, query, cursor = extract["from"], extract["query"], extract["cursor"]
    kind = connector["type"].value
    if kind == "files":
        for part in (query, cursor):
            if part.exists:
                part.report(f"{part.location[-1]!r} is for databases, this system delivers files", "remove it")
        if isinstance(extract.value, dict) and "from" not in extract.value:
            fix = "add from: file pattern, relative to the connector's folder"
            extract.report("the key 'from' is missing", fix, unusable=True)
    if kind != "sql":
        return
    if named.exists == query.exists:
        what = "both from and query are given" if named.exists else "neither from nor query is given"
        extract.report(what, "give one: from: with a table or view, or query: with a SELECT", unusable=True)
    if query.text is not None and _SELECT.match(query.text) is None:
        query.report("the query is no SELECT", "begin with select or with", unusable=True)
    if cursor.exists and extract["delivery"].text == "snapshot":
        cursor.report("a snapshot reads everything each time", "remove cursor, or set delivery: delta or events")
    for key, fix in _FILES_ONLY.items():
        if extract[key].exists:
            extract[key].report(f"{key} is for files", f"remove it: {fix}")
    for key, option in extract["options"].members():
        if key not in SQL_OPTIONS:
            option.report(f"{key} is for files", f"remove it; for a database there are {', '.join(SQL_OPTIONS)}")


def check_records(extract: Part, connector: Part) -> None:
    """Report what is missing or pointless for the format of an extract's files."""
    part, kind = _option("format", extract["options"], connector)
    if kind == "xml" and _option("records_path", extract["options"], connector)[1] is None:
        fix = "add records_path: with the elements' names from the root down, such as structures/bom/line"
        part.report("an XML file needs the path to its records", fix)
    if kind == "x12" and _option("transaction", extract["options"], connector)[1] is None:
        part.report("an X12 file needs the transaction set to read", 'add transaction:, such as "855"')
    trailer = extract["complete_when"]["trailer"]
    if kind in _WITHOUT_LINES and trailer.exists:
        trailer.report(f"an {kind} file has no last line that counts the others", "use control_file or row_count")


def _option(key: str, options: Part, connector: Part) -> tuple[Part, object]:
    """An option's place and value; the connector's where the extract has none of its own."""
    part = options[key] if options[key].exists else connector[key]
    return part, part.value
