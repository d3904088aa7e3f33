"""Archives that are bombs, names and links that lead elsewhere: nothing outside the feed's folder is read or written.

Belongs here: what lies round the records. Doesn't belong here: damaged content (`test_landing_bad_files`).
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest

from mfg_assets.errors import SourceError
from mfg_assets.ingest import land_extract
from mfg_assets.ingest.connectors import archive
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, HEADER, Feed, refusal


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archived:
        archived.writestr("a.csv", b"\x00" * size)
    return out.getvalue()


def test_zip_bomb(feed: Feed) -> None:
    feed.extract = {"from": "*.zip"}
    feed.deliver(bomb(archive.HARMLESS_BYTES + (64 << 20)), "a.zip")
    assert "made to fill disks" in refusal(feed)
    assert not list((feed.settings.home_path / "tmp").glob("landing-*"))


def test_gzip_bomb(feed: Feed) -> None:
    feed.extract = {"from": "*.gz"}
    feed.deliver(gzip.compress(b"\x00" * (archive.HARMLESS_BYTES + (64 << 20))), "a.csv.gz")
    assert "made to fill disks" in refusal(feed)


def test_an_archive_of_very_many_files(feed: Feed) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archived:
        for number in range(archive.MAX_MEMBERS + 1):
            archived.writestr(f"{number}.csv", HEADER)
    feed.extract = {"from": "*.zip"}
    feed.deliver(out.getvalue(), "a.zip")
    assert "1,001 files" in refusal(feed)


@pytest.mark.parametrize(
    "name", ["../../../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv", "a'; drop table x; --.csv"]
)
def test_names_in_an_archive_lead_nowhere(feed: Feed, name: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archived:
        archived.writestr(zipfile.ZipInfo(name), "\n".join([HEADER, *GOOD]))
    feed.extract = {"from": "*.zip"}
    feed.deliver(out.getvalue(), "a.zip")
    assert feed.batch().rows_landed == 3
    assert not [path for path in tmp_path.rglob("*evil*")]


@pytest.mark.parametrize("name", ['it\'s "quoted".csv', "[xy].csv", "a*b?.csv", "ümlaut ; -- .csv", "a\nb.csv"])
def test_names_of_files_are_only_names(feed: Feed, name: str) -> None:
    feed.deliver([GOOD[0]], name)
    feed.deliver([GOOD[1]], "x.csv")
    feed.deliver([GOOD[2]], "y.csv")
    result = feed.land()
    assert sorted(b.rows_landed for b in result.batches) == [1, 1, 1]
    assert sorted(feed.rows("event_id, source_file")) == sorted([("1", name), ("2", "x.csv"), ("3", "y.csv")])


def test_a_link_that_leads_out_of_the_folder_is_not_read(feed: Feed, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("\n".join([HEADER, *GOOD]))
    (feed.data / "a.csv").symlink_to(secret)
    with pytest.raises(SourceError, match="a link that leads out"):
        feed.land()
    assert feed.rows() == []


def test_a_pattern_that_leads_out_of_the_folder(feed: Feed, tmp_path: Path) -> None:
    feed.deliver(GOOD)
    (tmp_path / "other.csv").write_text("x")
    estate = feed.estate()
    extract = estate.extract("src", "feed").model_copy(update={"from_": "../*.csv"})
    system = estate.systems["src"].model_copy(update={"extracts": {"feed": extract}})
    estate = estate.model_copy(update={"systems": {"src": system}})
    with pytest.raises(SourceError, match="leads out of"):
        land_extract(estate, "src", "feed", feed.settings)


def test_a_file_without_permission(feed: Feed) -> None:
    path = feed.deliver(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(SourceError, match="can't be read"):
        feed.land()


def test_no_file_and_no_folder(feed: Feed) -> None:
    feed.data.mkdir(exist_ok=True)
    with pytest.raises(SourceError, match="no file matches"):
        feed.land()
    feed.options = {"path": "../nowhere"}
    with pytest.raises(SourceError, match="does not exist"):
        feed.land()


def test_deliveries_under_way_are_left_alone(feed: Feed) -> None:
    feed.extract = {"from": "*"}
    feed.deliver(GOOD, "a.csv.part")
    feed.deliver(GOOD, ".a.csv")
    with pytest.raises(SourceError, match="no file matches"):
        feed.land()
