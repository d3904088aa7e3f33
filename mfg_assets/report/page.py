"""The page itself: self-contained, without network, and with nothing in it that a source system could make run.

Belongs here: HTML and its safety. Doesn't belong here: numbers (facts), charts (charts).
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from mfg_assets import publish
from mfg_assets.report.facts import HEADLINES, Facts, gather
from mfg_assets.settings import Settings

REPORT = "report.html"


def write_report(settings: Settings, name: str) -> Path:
    """Write the report of the version in force into its folder, once; a version doesn't change.

    Args:
        settings: where versions are.
        name: of the estate, for the title.

    Returns:
        The page's path.

    Raises:
        PublicationError: nothing is published.
    """
    folder = publish.current_version_dir(settings)
    target = folder / REPORT
    if target.is_file():
        return target
    current = publish.status(settings).current
    now = datetime.now(UTC)
    facts = gather(settings, folder, current.as_of if current else now, current.published_at if current else now)
    aside = folder / f".{REPORT}.tmp"
    aside.write_text(render(facts, name, _scripts(settings)), encoding="utf-8")
    aside.chmod(0o444)
    aside.replace(target)
    return target


def render(facts: Facts, name: str, scripts: str) -> str:
    """The page as text. `scripts` is Vega with its embedder, as JavaScript."""
    environment = Environment(
        loader=PackageLoader("mfg_assets.report", "."), autoescape=select_autoescape(["html", "j2"]), trim_blocks=True
    )
    environment.filters |= {"day": _day, "number": _number, "when": _when}
    template = environment.get_template("page.html.j2")
    # Both are marked safe there: they are made safe here.
    return template.render(facts=facts, name=name, scripts=_closed(scripts), charts=_json(_charts(facts)))


def _charts(facts: Facts) -> dict[str, Any]:
    from mfg_assets.report import charts  # importing Altair takes a second that only a new version needs

    found: dict[str, Any] = {}
    if facts.matrix:
        found["matrix"] = charts.matrix(facts.matrix)
        found["roles"] = charts.by_severity(facts.by_role, "role")
        found["ages"] = charts.by_severity(facts.by_age, "age")
    for kpi, (title, _) in HEADLINES.items():
        rows = [row for row in facts.trend if row["kpi"] == kpi]
        if rows:
            found[f"trend-{kpi}"] = charts.trend(rows, title)
    return found


def _json(value: Any) -> str:
    """JSON that can't end the element it stands in, whatever a name in the data says."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _closed(script: str) -> str:
    return re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE)


def _scripts(settings: Settings) -> str:
    """Vega, Vega-Lite and the embedder in one script; made once, as it takes seconds."""
    import vl_convert

    kept = settings.cache_path / f"vega-{version('vl-convert-python')}.js"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}")  # homes may share the folder
        bundle = vl_convert.javascript_bundle()  # pyright: ignore[reportCallIssue] - its stub demands a snippet
        aside.write_text(bundle, encoding="utf-8")
        aside.replace(kept)
    return kept.read_text(encoding="utf-8")


def _number(value: float, unit: str = "count", *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if unit == "ratio":
        return f"{value * 100:{sign}.1f} {'points' if signed else '%'}"
    if unit == "h":
        return f"{value:{sign},.1f} h"
    return f"{value:{sign},.0f}"


def _day(value: date) -> str:
    return f"{value.day} {value:%b}"


def _when(value: datetime | None) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if value else "–"
