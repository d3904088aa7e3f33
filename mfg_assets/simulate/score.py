"""How good the reconciliation is, as numbers: published findings against what was planted.

Belongs here: which published table holds a domain's findings and by which key, counting. Doesn't belong here: the truth
itself (`truth`), printing (`cli.simulate`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import duckdb

from mfg_assets.errors import MfgError, Problem
from mfg_assets.publish import status
from mfg_assets.settings import Settings
from mfg_assets.simulate import truth
from mfg_assets.simulate.reported import REPORTS, load
from mfg_assets.simulate.score_changes import Impact, Statuses, compare, compare_impact
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import path_literal

Kind = Literal["hit", "missed", "false", "near_miss", "consequence", "information"]

# A reported quantity agrees with the planted one up to what units and rounding leave over.
_SAME = "abs(abs(reported_quantity) - planted_quantity) <= 0.001 + 0.001 * planted_quantity"


@dataclass(frozen=True)
class Outcome:
    """One planted or reported finding and what became of it.

    `kind`: `hit` and `missed` were planted; `false` and `near_miss` (a look-alike) were not and are reported;
    `consequence` is reported, wasn't planted and follows from something that was, or is a change planted as overdue
    that such a consequence blocks; `information` is reported as no more than that. `has_quantity` is None where no
    quantities can be compared.
    """

    kind: Kind
    domain: str
    finding_class: str
    plant_id: str | None
    business_key: str
    quantity: Decimal | None
    reported_quantity: Decimal | None
    has_quantity: bool | None
    note: str | None


@dataclass(frozen=True)
class Count:
    """Planted, found and wrongly reported findings of a domain and class; `*` stands for all."""

    domain: str
    finding_class: str
    hits: int
    missed: int
    false: int
    consequences: int
    right_quantities: int
    compared_quantities: int

    @property
    def planted(self) -> int:
        """How many there are to be found."""
        return self.hits + self.missed

    @property
    def precision(self) -> float | None:
        """Share of what is reported that was planted; None where nothing is reported."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """Share of what was planted that is reported; None where nothing was planted."""
        return self.hits / self.planted if self.planted else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both, from the counts; None where nothing was planted or reported."""
        weight = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / weight if weight else None


@dataclass(frozen=True)
class Score:
    """Everything a comparison found.

    Attributes:
        as_of: Instant of truth and publication.
        version: Version of the published state.
        total: Over all domains.
        domains: Per domain, those without anything left out.
        classes: Per domain and class.
        outcomes: One by one.
        unpublished: Published tables that there are not, whose classes all count as missed.
        statuses: Of engineering changes at plants; None where they can't be compared.
        impact: Quantities of what changes take out of plants' bills; None where they can't be compared.
    """

    as_of: datetime
    version: str
    total: Count
    domains: tuple[Count, ...]
    classes: tuple[Count, ...]
    outcomes: tuple[Outcome, ...]
    unpublished: tuple[str, ...]
    statuses: Statuses | None = None
    impact: tuple[Impact, ...] | None = None

    @property
    def unexplained(self) -> float | None:
        """Quantities of stock that are called unexplained and weren't planted so, as a share of all that was planted.

        None where nothing was planted. Units are added up as they are.
        """
        stock = [o for o in self.outcomes if o.domain == "inventory"]
        planted = sum((o.quantity or Decimal(0) for o in stock), Decimal(0))
        rest = sum(
            (
                max((o.reported_quantity or Decimal(0)) - (o.quantity or Decimal(0)), Decimal(0))
                for o in stock
                if o.finding_class == "unexplained"
            ),
            Decimal(0),
        )
        return float(rest / planted) if planted else None

    def reaches(self, min_recall: float | None, min_precision: float | None, min_statuses: float | None = None) -> bool:
        """Whether all limits are reached; where nothing was planted or reported, nothing is below them."""
        accuracy = self.statuses.accuracy if self.statuses is not None else None
        reached = (
            (self.total.recall, min_recall),
            (self.total.precision, min_precision),
            (accuracy, min_statuses),
        )
        return all(limit is None or share is None or share >= limit for share, limit in reached)


def score(settings: Settings, out: Path) -> Score:
    """Compare the version in force with the truth of a simulated estate.

    Raises:
        MfgError: the folder is no simulated estate, or nothing was published of its newest delivery.
    """
    world = truth.read_world(out)
    if (out / truth.FOLDER / truth.ADVANCING).exists():
        raise MfgError(
            Problem("it was interrupted while it advanced", out, fix="run the same `mfg simulate advance` again")
        )
    current = status(settings).current
    if current is None or current.folder is None:
        raise MfgError(
            Problem("nothing is published yet", settings.published_dir, fix=f"`mfg --estate {out} run` comes first")
        )
    if current.as_of != world.options.cut:
        raise MfgError(
            Problem(
                f"the published state is as of {current.as_of}, the truth of {world.options.cut}",
                fix=f"run `mfg --estate {out} run` with the same home, without --as-of",
            )
        )
    with connect(settings) as con:
        _load_truth(con, out / truth.FOLDER)
        unpublished = load(con, current.folder)
        _compare(con)
        outcomes = tuple(Outcome(*row) for row in con.execute(_OUTCOMES).fetchall())
        statuses = compare(con, out / truth.FOLDER, current.folder)
        impact = compare_impact(con, out / truth.FOLDER, current.folder)
    return Score(
        as_of=current.as_of,
        version=current.version,
        total=_count(outcomes, "*", "*"),
        domains=tuple(
            _count([o for o in outcomes if o.domain == domain], domain, "*")
            for domain in truth.DOMAINS
            if any(o.domain == domain for o in outcomes)
        ),
        classes=tuple(
            _count([o for o in outcomes if (o.domain, o.finding_class) == pair], *pair)
            for pair in sorted({(o.domain, o.finding_class) for o in outcomes}, key=_place)
        ),
        outcomes=outcomes,
        unpublished=unpublished,
        statuses=statuses,
        impact=impact,
    )


def _place(pair: tuple[str, str]) -> tuple[int, str]:
    return truth.DOMAINS.index(pair[0]), pair[1]


def _count(outcomes: Iterable[Outcome], domain: str, finding_class: str) -> Count:
    kept = list(outcomes)
    kinds = Counter(o.kind for o in kept)
    return Count(
        domain=domain,
        finding_class=finding_class,
        hits=kinds["hit"],
        missed=kinds["missed"],
        false=kinds["false"] + kinds["near_miss"],
        consequences=kinds["consequence"],
        right_quantities=sum(o.has_quantity is True for o in kept),
        compared_quantities=sum(o.has_quantity is not None for o in kept),
    )


def _load_truth(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Tables `planted`, `look_alike` and `follows`, keyed by the same texts as what is reported."""
    cases = " ".join(
        f"when domain = '{report.domain}' then [{', '.join(_part(column) for column in report.key)}]"
        for report in {report.domain: report for report in REPORTS}.values()
    )
    for table, name in (
        ("planted", truth.FINDINGS),
        ("look_alike", truth.NEAR_MISSES),
        ("follows", truth.CONSEQUENCES),
    ):
        con.execute(
            f"create or replace temp table {table} as "
            f"select *, case {cases} end as key from read_parquet({path_literal(folder / name)})"
        )


def _part(column: str) -> str:
    return f"json_extract_string(business_key, '$.{column}')"


def _compare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace temp table judged as
        with planted_once as (
            select
                domain, finding_class, plant_id, key,
                any_value(business_key) as business_key,
                sum(quantity) as planted_quantity,
                any_value(note) as note
            from planted
            group by all
        ),

        reported_once as (
            select
                domain, finding_class, plant_id, key,
                any_value(business_key) as business_key,
                -- several systems may be below zero by the same amount; all other quantities are shares
                if(any_value(finding_class) = 'negative_balance', max(abs(quantity)), sum(abs(quantity)))
                    as reported_quantity,
                bool_and(coalesce(is_information, false)) as is_information
            from reported
            group by all
        )

        select
            coalesce(p.domain, r.domain) as domain,
            coalesce(p.finding_class, r.finding_class) as finding_class,
            coalesce(p.plant_id, r.plant_id) as plant_id,
            coalesce(p.key, r.key) as key,
            coalesce(p.business_key, r.business_key) as business_key,
            p.planted_quantity,
            r.reported_quantity,
            p.note,
            p.domain is not null as is_planted,
            r.domain is not null as is_reported,
            coalesce(r.is_information, false) as is_information
        from planted_once as p
        full outer join reported_once as r
            on p.domain = r.domain
            and p.finding_class = r.finding_class
            and p.plant_id is not distinct from r.plant_id
            and p.key is not distinct from r.key
        """
    )


_OUTCOMES = f"""
with explained as (
    select judged.domain, judged.finding_class, judged.plant_id, judged.key, any_value(follows.note) as note
    from judged
    inner join follows
        on judged.domain = follows.domain
        and follows.finding_class in (judged.finding_class, '*')
        and (follows.plant_id is null or follows.plant_id = judged.plant_id)
        -- a part of the key is enough, the rest is null
        and not list_contains(
            list_transform(
                list_zip(follows.key, judged.key), lambda pair: coalesce(pair[1] <> coalesce(pair[2], ''), false)
            ),
            true
        )
    where not judged.is_planted
    group by all
),

alike as (
    select domain, plant_id, key, any_value(note) as note, list(finding_class) as classes
    from look_alike
    group by domain, plant_id, key
),

-- a change has one status: what is blocked, here by something planted elsewhere, isn't overdue besides
blocked as (
    select distinct plant_id, key
    from explained
    where domain = 'change' and finding_class not in ('overdue', 'deviated')
)

select
    case
        when is_planted and is_reported then 'hit'
        when judged.domain = 'change' and judged.finding_class = 'overdue' and blocked.key is not null
            then 'consequence'
        when is_planted then 'missed'
        when is_information then 'information'
        -- of what looks like one thing, another thing may be true
        when alike.key is not null and (explained.key is null or list_contains(alike.classes, judged.finding_class))
            then 'near_miss'
        when explained.key is not null then 'consequence'
        else 'false'
    end as kind,
    judged.domain,
    judged.finding_class,
    judged.plant_id,
    judged.business_key,
    judged.planted_quantity,
    judged.reported_quantity,
    case
        when is_planted and is_reported and planted_quantity is not null and reported_quantity is not null then {_SAME}
    end as has_quantity,
    coalesce(judged.note, alike.note, explained.note) as note
from judged
left join explained
    on judged.domain = explained.domain
    and judged.finding_class = explained.finding_class
    and judged.plant_id is not distinct from explained.plant_id
    and judged.key = explained.key
left join alike
    on judged.domain = alike.domain
    and judged.plant_id is not distinct from alike.plant_id
    and judged.key = alike.key
left join blocked on judged.plant_id is not distinct from blocked.plant_id and judged.key = blocked.key
order by 2, 3, 4 nulls first, 5, 1
"""
