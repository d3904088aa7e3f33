"""Write the bundle: `python -m dashboards.write`. Superset imports the folder, or a ZIP file of it, as it is.

Belongs here: files and their YAML. Doesn't belong here: what is in them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from dashboards import datasets
from dashboards.model import DATABASE, VERSION, Page
from dashboards.pages import PAGES

BUNDLE = Path(__file__).parent / "bundle"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that a query can be read; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def files() -> dict[str, str]:
    """Every file of the bundle: its path within, and what it says."""
    made: dict[str, Any] = {
        # No timestamp: the same source is the same bundle.
        "metadata.yaml": {"version": VERSION, "type": "Dashboard"},
        "databases/mfg_assets.yaml": DATABASE,
    }
    for dataset in datasets.ALL:
        made[f"datasets/mfg_assets/{dataset.name}.yaml"] = dataset.written()
    for page in PAGES:
        made[f"dashboards/{page.slug}.yaml"] = page.written()
        made |= _charts(page)
    return {name: yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
            for name, content in made.items()}  # fmt: skip


def _charts(page: Page) -> dict[str, Any]:
    return {
        f"charts/{page.slug}/{re.sub('[^a-z0-9]+', '_', chart.name.lower()).strip('_')}.yaml": chart.written(page.slug)
        for chart in page.charts
    }


def write(folder: Path = BUNDLE) -> None:
    """Write all files; what is no longer there goes."""
    wanted = files()
    for file in folder.rglob("*.yaml"):
        if file.relative_to(folder).as_posix() not in wanted:
            file.unlink()
    for name, text in wanted.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
