"""Matching: pairs of supplier numbers that are probably one firm, with the reasons, and the clusters they form.

Belongs here: running Splink and keeping its pairs. Doesn't belong here: what is compared (`records`, `weights`).

The same records give the same pairs: one thread, fixed seeds, everything ordered. Records that are the same as the last
time are not matched again, and Splink, which takes seconds to import, isn't even loaded.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from mfg_assets.settings import Settings
from mfg_assets.suppliers import records, weights
from mfg_assets.suppliers.pairs import SCHEMA, ensure_table
from mfg_assets.warehouse.session import connect

if TYPE_CHECKING:
    from splink import Linker

CERTAIN = 0.9
"""From here on a pair counts as one firm; below it, down to `REVIEW`, somebody has to look."""
REVIEW = 0.5
ENOUGH_TO_TRAIN = 1_000
"""Records from which on weights are learned: below, a chance agreement outweighs what true pairs there are."""
ENOUGH_PAIRS = 30
"""Certain pairs, by the stated weights, without which there is nothing that m could be learned from."""

_SEED = 20_260_105


@dataclass(frozen=True)
class Matching:
    """What matching did.

    Attributes:
        records: Suppliers compared.
        pairs: Pairs kept, certain ones and those for review.
        certain: Those of them that count as one firm.
        clusters: Firms with more than one number.
        weights: `stated` or `trained`.
        is_new: False where the records were the same as the last time.
    """

    records: int
    pairs: int
    certain: int
    clusters: int
    weights: str
    is_new: bool


def match_suppliers(settings: Settings, path: Path | None = None) -> Matching:
    """Match the suppliers that have landed and replace `matching.supplier_pair`.

    Args:
        settings: where the warehouse is; its hand-over must have been made.
        path: another warehouse file.

    Raises:
        WarehouseError: another process holds the file.
    """
    with connect(settings, path or settings.warehouse_path) as warehouse:
        ensure_table(warehouse)
        records.read(warehouse)
        table = warehouse.execute("select * from supplier_record order by unique_id").to_arrow_table()
        digest = _digest(warehouse)
        known = warehouse.execute(f"select content_hash, weights from {SCHEMA}.state").fetchone()
        if known is not None and known[0] == digest:
            return _summary(warehouse, table.num_rows, str(known[1]), is_new=False)
        pairs, how = _pairs(table)
        warehouse.register("found_pairs", pairs)
        warehouse.begin()
        warehouse.execute(f"delete from {SCHEMA}.supplier_pair")
        warehouse.execute(f"insert into {SCHEMA}.supplier_pair by name select * from found_pairs")
        warehouse.execute(f"delete from {SCHEMA}.state")
        warehouse.execute(f"insert into {SCHEMA}.state values (?, ?)", [digest, how])
        warehouse.commit()
        warehouse.unregister("found_pairs")
        return _summary(warehouse, table.num_rows, how, is_new=True)


def _digest(warehouse: duckdb.DuckDBPyConnection) -> str:
    """Fingerprint of the records and of everything here that decides about them."""
    row = warehouse.execute(
        "select md5(string_agg(md5(to_json(supplier_record)::varchar), '' order by unique_id)) from supplier_record"
    ).fetchone()
    rules = json.dumps([weights.COMPARISONS, weights.BLOCKS, weights.DUPLICATE_SHARE, CERTAIN, REVIEW, ENOUGH_TO_TRAIN])
    return hashlib.sha256(f"{row[0] if row else ''}{rules}".encode()).hexdigest()


def _summary(warehouse: duckdb.DuckDBPyConnection, count: int, how: str, *, is_new: bool) -> Matching:
    row = warehouse.execute(
        f"select count(*), count(*) filter (band = 'match'), count(distinct cluster_id) from {SCHEMA}.supplier_pair"
    ).fetchone()
    pairs, certain, clusters = row or (0, 0, 0)
    return Matching(count, int(pairs), int(certain), int(clusters), how, is_new)


def _pairs(table: Any) -> tuple[Any, str]:
    """Pairs from `REVIEW` on as an Arrow table, and whether the weights were stated or trained."""
    # A database of its own: Splink makes many tables, and their order in several threads would decide about ties.
    with duckdb.connect(":memory:", config={"threads": 1}) as own:
        own.register("records", table)
        own.execute("create table supplier_record as select * from records")
        how = "stated"
        if table.num_rows < 2:
            levels = ", ".join(f"gamma_{name} integer" for name in weights.COMPARISONS)
            own.execute(
                "create table predicted (unique_id_l varchar, unique_id_r varchar, match_probability double, "
                f"match_weight double, {levels})"
            )
            own.execute("create table clustered (unique_id varchar, cluster_id varchar)")
        else:
            how = _predict(own, table.num_rows)
        return own.execute(_KEPT, [REVIEW, CERTAIN, how]).to_arrow_table(), how


def _predict(own: duckdb.DuckDBPyConnection, count: int) -> str:
    """Make the tables `predicted` and `clustered`. Returns which weights were used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Seconds to import, so only where there is something to match.
        from splink import DuckDBAPI, Linker

        # Its import sets a level of its own, and then it tells how long each step took.
        logging.getLogger("splink").setLevel(logging.ERROR)
        linker = Linker("supplier_record", weights.settings(count), DuckDBAPI(connection=own))
        found = _scored(own, linker)
        how = "stated"
        if count >= ENOUGH_TO_TRAIN and _certain(own) >= ENOUGH_PAIRS:
            _train(linker)
            found = _scored(own, linker)
            how = "trained"
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            found, threshold_match_probability=CERTAIN
        )
        own.execute(f"create table clustered as select unique_id, cluster_id from {clusters.physical_name}")
    return how


def _scored(own: duckdb.DuckDBPyConnection, linker: Linker) -> Any:
    found = linker.inference.predict(threshold_match_probability=REVIEW)
    own.execute(f"create or replace table predicted as select * from {found.physical_name}")
    return found


def _certain(own: duckdb.DuckDBPyConnection) -> int:
    row = own.execute("select count(*) from predicted where match_probability >= ?", [CERTAIN]).fetchone()
    return int(row[0]) if row else 0


def _train(linker: Linker) -> None:
    """Learn u from pairs drawn at random and m from pairs that share a number or a name; the prior stays stated."""
    linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000, seed=_SEED)
    for rule in ("l.bank_code = r.bank_code", "l.name_plain = r.name_plain"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, fix_probability_two_random_records_match=True
        )


_GAMMAS = ", ".join(
    f"{name!r}: list_extract({['different', *reversed([level[0] for level in levels[:-1]])]!r}, gamma_{name} + 1)"
    for name, (_, levels) in weights.COMPARISONS.items()
)
_KEPT = f"""
    with named as (
        select
            least(unique_id_l, unique_id_r) as supplier_a,
            greatest(unique_id_l, unique_id_r) as supplier_b,
            *,
        from predicted
        where match_probability >= $1
    )

    select
        named.supplier_a,
        named.supplier_b,
        -- nothing here is certain
        cast(least(named.match_probability, 0.999999) as decimal(9, 6)) as match_probability,
        cast(named.match_weight as decimal(9, 3)) as match_weight,
        case when a.cluster_id = b.cluster_id then a.cluster_id end as cluster_id,
        case when named.match_probability >= $2 then 'match' else 'review' end as band,
        $3 as weights,
        to_json({{{_GAMMAS}}})::varchar as agreements,
        first.shown_name as name_a,
        second.shown_name as name_b,
    from named
    inner join supplier_record as first on named.supplier_a = first.unique_id
    inner join supplier_record as second on named.supplier_b = second.unique_id
    left join clustered as a on named.supplier_a = a.unique_id
    left join clustered as b on named.supplier_b = b.unique_id
    order by named.supplier_a, named.supplier_b
"""
