"""What a kind of source needs to be told about each of its extracts.

Belongs here: keys that one format or connector demands and another has no use for.
Doesn't belong here: keys that hold for every extract (`mappings`), looking at sources (`check`).
"""

from __future__ import annotations

from mfg_assets.estate.document import Part

# Formats that are no lines of text, so that no last line can count the others.
_WITHOUT_LINES = ("xml",)


def check_records(extract: Part, connector: Part) -> None:
    """Report what is missing or pointless for the format of an extract's files."""
    part, kind = _option("format", extract["options"], connector)
    if kind == "xml" and _option("records_path", extract["options"], connector)[1] is None:
        fix = "add records_path: with the elements' names from the root down, such as structures/bom/line"
        part.report("an XML file needs the path to its records", fix)
    trailer = extract["complete_when"]["trailer"]
    if kind in _WITHOUT_LINES and trailer.exists:
        trailer.report(f"an {kind} file has no last line that counts the others", "use control_file or row_count")


def _option(key: str, options: Part, connector: Part) -> tuple[Part, object]:
    """An option's place and value; the connector's where the extract has none of its own."""
    part = options[key] if options[key].exists else connector[key]
    return part, part.value
