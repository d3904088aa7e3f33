"""The steps of a simulation put together: world, what systems hold, what goes wrong, extracts, truth, README.

Belongs here: their order, and that a folder is either a whole delivery or recognisably none. Doesn't belong here: any
of the steps.

A delivery is written beside the estate and then takes its place by renaming. The world lives in a database of its own
in the meantime, so that memory stays bounded at any scale.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, UsageError
from mfg_assets.settings import Settings
from mfg_assets.simulate import adopt, defects, expected, expected_impact, export, follow, held, readme, truth
from mfg_assets.simulate.defects.faults import FeedFaults
from mfg_assets.simulate.export import estate
from mfg_assets.simulate.held import flows as held_flows
from mfg_assets.simulate.held import foundation as held_foundation
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import flows as world_flows
from mfg_assets.simulate.world import foundation as world_foundation
from mfg_assets.warehouse.session import connect

WRITTEN = frozenset({"README.md", "estate.yaml", "ownership.yaml", "systems", "codes", "extracts", truth.FOLDER})
"""Everything in the folder of a simulated estate; what else is there is somebody's."""


FEW_ITEMS = 500
"""Up to so many, one thread is done before several are: thousands of statements, each over next to nothing."""

OnStep = Callable[[str], None]
"""Is told of each step when it begins."""


def _unheard(step: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Delivered:
    """A delivery: `files` and `bytes` of the whole estate, `findings` and `near_misses` in force at its `cut`."""

    cut: datetime
    files: int
    bytes: int
    findings: int
    near_misses: int
    seconds: float


def simulate(options: Options, out: Path, settings: Settings, on_step: OnStep = _unheard) -> Delivered:
    """Write a simulated estate; one that is there is replaced.

    Args:
        options: the same ones give the same bytes.
        out: its folder.
        settings: limits of memory and threads.
        on_step: is told of each step when it begins.

    Raises:
        UsageError: the folder is there and not a simulated estate, or holds more than one.
    """
    out = out.expanduser().absolute()
    _check_replaceable(out)
    began = time.monotonic()
    with _workshop(out, options, settings) as (con, part):
        delivered = _deliver(con, part, options, (options.cut,), None, on_step)
        _replace(out, part)
    return _measured(delivered, out, began)


def advance(
    out: Path, days: int, settings: Settings, on_step: OnStep = _unheard, *, releases: Path | None = None
) -> Delivered:
    """Add the next delivery of the same world.

    Files of earlier deliveries stay. Interrupted, it leaves a note, and the same call brings it to its end.

    Args:
        out: folder of a simulated estate.
        days: how much later the delivery comes.
        settings: limits of memory and threads.
        on_step: is told of each step when it begins.
        releases: messages in this folder, and below it, have reached the systems since the last delivery.

    Raises:
        MfgError: the folder is not a simulated estate.
        UsageError: the days are out of range, or the releases can't be read.
    """
    out = out.expanduser().absolute()
    known = truth.read_world(out)
    options = known.options.later(days)
    adopted = adopt.read(out, releases, known.options.cut)
    began = time.monotonic()
    with _workshop(out, options, settings) as (con, part):
        delivered = _deliver(con, part, options, (*known.cuts, options.cut), out, on_step, adopted)
        _add(out, part)
    return _measured(delivered, out, began)


def build(
    con: duckdb.DuckDBPyConnection,
    options: Options,
    on_step: OnStep = _unheard,
    adopted: Sequence[adopt.Adopted] = (),
) -> None:
    """Make the schemas `world`, `held` and `truth` in a connection: everything but files."""
    con.execute("set TimeZone = 'UTC'")
    on_step("products, plants, changes")
    world_foundation.create(con, options)
    on_step("orders and stock")
    world_flows.build(con, options)
    on_step("what systems hold")
    held.create(con)
    held_foundation.fill(con, options)
    held_flows.fill(con, options)
    on_step("what goes wrong")
    truth.create(con)
    if adopted:
        follow.remember(con, options)
    defects.plant(con, options)
    if adopted:
        on_step("what was released to them")
        follow.compare(con, options, "wrong_before")
        adopt.apply(con, adopted)
        follow.compare(con, options, "wrong_after")
        follow.follow(con, options, adopted, "wrong_before", "wrong_after")
    expected.create(con, options)
    expected_impact.create(con, options)


def _deliver(
    con: duckdb.DuckDBPyConnection,
    part: Path,
    options: Options,
    cuts: tuple[datetime, ...],
    previous: Path | None,
    on_step: OnStep,
    adopted: Sequence[adopt.Adopted] = (),
) -> tuple[datetime, int, int]:
    build(con, options, on_step, adopted)
    if previous is not None:
        truth.carry_over(con, previous)
    estate.write(part, options, options.cut)
    faults = FeedFaults(options)
    for system in export.systems_of(options):
        on_step(f"extracts of {system}")
        export.write(con, part, options, options.cut, options.previous_cut, faults.apply, (system,))
    on_step("the truth")
    (part / "README.md").write_text(readme.text(con, options, cuts), encoding="utf-8")
    adopt.write(part, adopted)
    truth.write(con, part, options, cuts)
    return options.cut, *truth.in_force(con, options.cut)


def _measured(delivered: tuple[datetime, int, int], out: Path, began: float) -> Delivered:
    cut, findings, near_misses = delivered
    sizes = [file.stat().st_size for file in out.rglob("*") if file.is_file()]
    return Delivered(cut, len(sizes), sum(sizes), findings, near_misses, time.monotonic() - began)


@contextmanager
def _workshop(out: Path, options: Options, settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database for the world and a folder for the delivery, both beside the estate and gone afterwards."""
    work = out.with_name(f".{out.name}.simulating")
    if work.exists():
        # What a killed simulation left: nobody else writes there.
        shutil.rmtree(work)
    part = work / "estate"
    part.mkdir(parents=True)
    try:
        own = settings.model_copy(update={"home": work})
        # Files are written in the order of their relations, which only this setting promises.
        with connect(own, work / "simulation.duckdb", keep_order=True) as con:
            # Nobody opens it again.
            con.execute("pragma disable_checkpoint_on_shutdown")
            if options.items <= FEW_ITEMS:
                con.execute("set threads = 1")
            yield con, part
    finally:
        shutil.rmtree(work)


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(Problem("this is a file", out, fix="choose a folder"))
    there = {entry.name for entry in out.iterdir()}
    if there and not truth.is_simulated(out):
        raise UsageError(
            Problem("the folder is not empty and not a simulated estate", out, fix="choose another folder, or empty it")
        )
    foreign = sorted(there - WRITTEN)
    if foreign:
        raise UsageError(
            Problem(
                f"the simulated estate there would be replaced, and with it {', '.join(foreign)}",
                out,
                fix="move that away, or choose another folder",
            )
        )


def _replace(out: Path, part: Path) -> None:
    if out.exists():
        old = part.with_name("old")
        out.replace(old)
    part.replace(out)


def _add(out: Path, part: Path) -> None:
    """Move a delivery's files into the estate, the one that says so last."""
    note = out / truth.FOLDER / truth.ADVANCING
    note.write_text("{}\n", encoding="utf-8")
    files = sorted(file for file in part.rglob("*") if file.is_file())
    last = part / truth.FOLDER / truth.WORLD
    for file in (*(file for file in files if file != last), last):
        target = out / file.relative_to(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    note.unlink()
