"""Suppliers that stand twice: names of many countries, pairs found and not found, the same pairs each time."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from mfg_assets.settings import Settings
from mfg_assets.suppliers import match, match_suppliers
from mfg_assets.suppliers.records import code, plain_name, plain_street

COLUMNS = (
    *("supplier_number", "name", "tax_id", "duns_number", "street", "city", "postal_code", "country", "bank_hash"),
    "email_domain",
)
Row = dict[str, str | None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller Werke GmbH & Co. KG", "MUELLER WERKE G.m.b.H. und Co KG"),
        ("Müller Werke GmbH", "Muller Werke"),
        ("Ångström & Sønner A/S", "Aangstrom og Sonner AS"),
        ("Société Générale de Pompes S.A.R.L.", "SOCIETE GENERALE DE POMPES SARL"),
        ("Công ty TNHH Phương Đông", "CONG TY TNHH PHUONG DONG"),
        ("ООО Завод Насос", "Zavod Nasos OOO"),
        ("Αντλίες Α.Ε.", "Antlies AE"),
        ("Łódź Pumps Sp. z o.o.", "Lodz Pumps sp zoo"),
        ("O'Neill Ltd.", "ONEILL LIMITED"),
    ],
)
def test_a_name_is_the_same_in_all_its_spellings(one: str, other: str) -> None:
    with duckdb.connect() as connection:
        sql = f"select {plain_name('a')} = {plain_name('b')} from (select ? as a, ? as b)"
        assert connection.execute(sql, [one, other]).fetchone() == (True,)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Adler Pumps GmbH", "Adler Steel GmbH"), ("Weber AG", "Werner AG"), ("Nordmark 2 AG", "Nordmark 3 AG")],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    with duckdb.connect() as connection:
        sql = f"select {plain_name('a')} = {plain_name('b')} from (select ? as a, ? as b)"
        assert connection.execute(sql, [one, other]).fetchone() == (False,)


def test_a_name_of_nothing_but_a_legal_form_keeps_it() -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {plain_name('a')} from (select 'AG' as a)").fetchone() == ("ag",)


def test_numbers_and_streets_are_compared_without_their_signs() -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {code('a')} from (select 'de 123.456-789' as a)").fetchone() == (
            "DE123456789",
        )
        sql = (
            f"select {plain_street('a')} = {plain_street('b')} from (select 'Hauptstraße 5' as a, 'Haupt-Str. 5' as b)"
        )
        assert connection.execute(sql).fetchone() == (True,)


def _home(tmp_path: Path, rows: list[Row]) -> Settings:
    """A warehouse whose hand-over holds these suppliers."""
    settings = Settings(home=tmp_path / "home")
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        columns = ", ".join(f"{column} varchar" for column in COLUMNS)
        connection.execute("create schema if not exists landing; create schema if not exists estate")
        connection.execute(
            f"create or replace table landing.supplier ({columns}, source_system varchar default 'portal', "
            "is_in_force boolean default true, is_deleted boolean default false, delivery varchar default 'snapshot', "
            "extracted_at timestamptz default '2026-01-01', recorded_at timestamptz default '2026-01-01', "
            "batch_sequence bigint default 1, source_file varchar default 'f', source_row bigint default 1)"
        )
        connection.execute(
            "create or replace table estate.attribute_owner (entity varchar, source_system varchar, priority integer)"
        )
        names = ", ".join(COLUMNS)
        marks = ", ".join("?" for _ in COLUMNS)
        for row in rows:
            values = [row.get(column) for column in COLUMNS]
            connection.execute(f"insert into landing.supplier ({names}) values ({marks})", values)
    return settings


def _pairs(settings: Settings, band: str = "match") -> set[tuple[str, str]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        sql = "select supplier_a, supplier_b from matching.supplier_pair where band = ?"
        return {(a, b) for a, b in connection.execute(sql, [band]).fetchall()}


_WORDS = (
    *("Adler", "Brandt", "Castor", "Dietz", "Engel", "Falk", "Grimm", "Hansa", "Isar", "Jordan", "Kessler", "Lindner"),
    *(
        "Müller",
        "Schröder",
        "Bäcker",
        "Weiß",
        "Søndergård",
        "Dvořák",
        "Łukasz",
        "Ibáñez",
        "Nguyễn",
        "Öztürk",
        "Živković",
    ),
    *("Ashford", "Bellamy", "Calloway", "Dunmore", "Everett", "Fairbank", "Granger", "Hollis", "Kendrick", "Lassiter"),
)
_TRADES = ("Pumpen", "Stahl", "Seals", "Bearings", "Motoren", "Castings", "Kabel", "Chemie", "Packaging", "Elektronik")
_FORMS = ("GmbH", "AG", "Inc.", "LLC", "s.r.o.", "Sp. z o.o.", "S.A.", "JSC", "ApS")
_PLAIN = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "Ö": "Oe", "ø": "o", "å": "aa"})


def _firms(seed: int, count: int, twice: int) -> tuple[list[Row], set[tuple[str, str]]]:
    """Firms, some with a second record that says less and says it otherwise, and sisters that are no duplicates."""
    rng = random.Random(seed)  # noqa: S311 - test data
    rows: list[Row] = []
    truth: set[tuple[str, str]] = set()
    for number in range(count):
        word, trade = rng.choice(_WORDS), rng.choice(_TRADES)
        rows.append(
            {
                "supplier_number": f"7{number:05d}",
                "name": f"{word} {trade} {rng.choice(_FORMS)}",
                "tax_id": f"DE{rng.randrange(10**8, 10**9)}" if rng.random() < 0.8 else None,
                "duns_number": f"{rng.randrange(10**8, 10**9)}" if rng.random() < 0.5 else None,
                "street": f"{rng.choice(_WORDS)}straße {rng.randrange(1, 150)}",
                "city": rng.choice(_WORDS) + "stadt",
                "postal_code": f"{rng.randrange(10000, 99999)}",
                "country": rng.choice(["DE", "CZ", "PL", "US", "VN"]),
                "bank_hash": f"bank{number}" if rng.random() < 0.8 else None,
                "email_domain": f"{word.lower()}-{number}.com" if rng.random() < 0.9 else "gmail.com",
            }
        )
    for row in rng.sample(rows, twice):
        other = f"9{str(row['supplier_number'])[1:]}"
        copy = {**row, "supplier_number": other, "name": str(row["name"]).translate(_PLAIN).upper()}
        copy["street"] = str(row["street"]).replace("straße", "str.")
        for column in ("tax_id", "duns_number", "bank_hash"):
            if rng.random() < 0.4:
                copy[column] = None
        truth.add((str(row["supplier_number"]), other))
        rows.append(copy)
    for row in rng.sample(rows[:count], twice):
        # A sister at the same address and domain, another firm all the same: number, bank and trade are its own.
        number = f"8{str(row['supplier_number'])[1:]}"
        trade = rng.choice([t for t in _TRADES if t not in str(row["name"])])
        rows.append(
            {
                **row,
                "supplier_number": number,
                "name": f"{str(row['name']).split()[0]} {trade} AG",
                "tax_id": f"DE{rng.randrange(10**8, 10**9)}",
                "duns_number": None,
                "bank_hash": f"sister{number}",
            }
        )
    return rows, truth


def _f1(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))


# The stated weights were set looking at seeds 0 to 3; these are others.
@pytest.mark.parametrize("seed", range(11, 15))
def test_duplicates_are_found_by_stated_weights_and_sisters_are_not(tmp_path: Path, seed: int) -> None:
    rows, truth = _firms(seed, 300, 25)
    settings = _home(tmp_path, rows)
    assert match_suppliers(settings).weights == "stated"
    assert _f1(_pairs(settings), truth) >= 0.95


@pytest.mark.slow
def test_with_enough_records_the_weights_are_trained(tmp_path: Path) -> None:
    rows, truth = _firms(7, 1500, 120)
    settings = _home(tmp_path, rows)
    assert match_suppliers(settings).weights == "trained"
    assert _f1(_pairs(settings), truth) >= 0.95


def test_the_same_records_give_the_same_pairs_in_whatever_order_they_land(tmp_path: Path) -> None:
    rows, _ = _firms(3, 120, 10)
    first = _home(tmp_path / "first", rows)
    other = _home(tmp_path / "other", list(reversed(rows)))
    assert match_suppliers(first).is_new
    assert match_suppliers(other).is_new
    kept = "select * from matching.supplier_pair order by all"
    with duckdb.connect(str(first.warehouse_path)) as a, duckdb.connect(str(other.warehouse_path)) as b:
        assert a.execute(kept).fetchall() == b.execute(kept).fetchall() != []


def test_what_has_not_changed_is_not_matched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = _firms(4, 60, 5)
    settings = _home(tmp_path, rows)
    before = match_suppliers(settings)
    monkeypatch.setattr(match, "_pairs", lambda _table: pytest.fail("matched again"))
    again = match_suppliers(settings)
    assert (again.pairs, again.is_new) == (before.pairs, False)


def test_three_records_of_one_firm_are_one_cluster(tmp_path: Path) -> None:
    firm: Row = {
        "name": "Müller Werke GmbH", "tax_id": "DE123456789", "street": "Hauptstraße 5", "city": "Köln",
        "postal_code": "50667", "country": "DE", "bank_hash": "b", "email_domain": "mueller-werke.de",
    }  # fmt: skip
    settings = _home(
        tmp_path,
        [
            {**firm, "supplier_number": "3"},
            {**firm, "supplier_number": "1", "name": "MUELLER WERKE", "tax_id": None},
            {**firm, "supplier_number": "2", "name": "Muller Werke Gmbh", "bank_hash": None},
            {"supplier_number": "4", "name": "Vogt AG", "tax_id": "DE987654321", "country": "DE"},
        ],
    )
    match_suppliers(settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute(
            "select distinct cluster_id from matching.supplier_pair where band = 'match'"
        ).fetchall() == [("1",)]
    assert _pairs(settings) == {("1", "2"), ("1", "3"), ("2", "3")}


def test_a_doubtful_pair_is_for_review(tmp_path: Path) -> None:
    """The same name in the same town and nothing else known: perhaps."""
    town: Row = {"city": "Kassel", "postal_code": "34117", "country": "DE"}
    settings = _home(
        tmp_path,
        [
            {**town, "supplier_number": "1", "name": "Vogt Pumpen GmbH", "street": "Werkstr. 1"},
            {**town, "supplier_number": "2", "name": "Vogt Pumpen AG", "street": "Nordring 88"},
            *({"supplier_number": f"9{n}", "name": f"Firma {n} AG", "country": "DE"} for n in range(40)),
        ],
    )  # fmt: skip
    match_suppliers(settings)
    assert (_pairs(settings), _pairs(settings, "review")) == (set(), {("1", "2")})


@pytest.mark.parametrize("rows", [[], [{"supplier_number": "1", "name": "Alone AG"}]])
def test_one_supplier_or_none_has_no_pair(tmp_path: Path, rows: list[Row]) -> None:
    settings = _home(tmp_path, rows)
    assert match_suppliers(settings).pairs == 0
