# ruff: noqa: ARG005 - functions of two rows, of which most need one
"""Small clusters are answered on lists as with numpy, and numpy is not brought for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy  # noqa: ICN001 - `np` is what is chosen
import pytest
from hypothesis import given
from hypothesis import strategies as some

from podwall.engines import ENGINES
from podwall.lint import lint
from podwall.model import Snapshot
from podwall.overview import exposure_groups, namespace_grid, summary
from podwall.policies.rules import Direction
from podwall.reachability import Reachability, reachability
from podwall.reachability.few_arrays import np as chosen
from podwall.reachability.few_arrays import on_lists
from podwall.reachability.few_numbers import FewNumbers
from podwall.reachability.few_numbers import array as numbers
from podwall.reports.page.building import page_document
from podwall.verdict_table import connection_groups, verdict_table
from tests.core.clusters import Size, addressed, exposed, random_cluster
from tests.core.obscured import obscured

ROOT: Final = Path(__file__).resolve().parents[2]
FEATURES: Final = (
    lambda rng, cluster: cluster,
    addressed,
    exposed,
    lambda rng, cluster: obscured(rng, cluster, 0.2),
)


def everything(found: Reachability) -> list[object]:
    """Return all that reports ask of an analysis."""
    table = verdict_table(found)
    exposures = [
        found.exposure(each.id, direction) for each in found.workloads for direction in Direction
    ]
    return [
        list(found.connections()),
        list(found.exposures()),
        exposures,
        table.verdicts,
        table.cells.tolist(),
        [table.because(0, each) for each in range(len(table.endpoints))] if table.endpoints else [],
        connection_groups(found),
        summary(table),
        namespace_grid(table),
        exposure_groups(found),
        page_document(found),
        lint(found),
    ]


def some_cluster(seed: int) -> tuple[Snapshot, Any]:
    rng = Random(seed)
    size = Size(workloads=rng.randint(1, 9), policies=rng.randint(1, 7))
    feature = FEATURES[seed % len(FEATURES)]
    return feature(rng, random_cluster(rng, size)), rng.choice(list(ENGINES.values()))


@pytest.mark.parametrize("batch", range(10))
@pytest.mark.long(keep=1)
def test_lists_give_the_answers_of_numpy(batch: int) -> None:
    for seed in range(20 * batch, 20 * batch + 20):
        snapshot, engine = some_cluster(seed)
        with on_lists():
            short = everything(reachability(snapshot, engine))
        assert short == everything(reachability(snapshot, engine)), seed


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.long(keep=4)
def test_numpy_goes_on_with_what_began_on_lists(seed: int) -> None:
    snapshot, engine = some_cluster(seed)
    with on_lists():
        begun = reachability(snapshot, engine)
    assert everything(begun) == everything(reachability(snapshot, engine))


rows = some.lists(some.integers(-4, 9), min_size=1, max_size=8)
FUNCTIONS: Final[dict[str, Any]] = {
    "add": lambda np, a, b: a + b[: len(a)].sum(),
    "arithmetic": lambda np, a, b: ((a * 3 - 1) // 2 + (2 - a)) % 5 << 2 | 1,
    "negative": lambda np, a, b: -a >> 1,
    "compare": lambda np, a, b: (a > 1) & ~(a == 3) | (a <= -2) ^ (a != 0),
    "truths add up": lambda np, a, b: (a > 1) + (a < 3),
    "a truth counts": lambda np, a, b: a + (a > 1),
    "mask": lambda np, a, b: a[a > 2],
    "positions": lambda np, a, b: a[np.flatnonzero(a < 3)],
    "backwards": lambda np, a, b: a[::-1],
    "last": lambda np, a, b: a[-1:],
    "unique": lambda np, a, b: np.stack(
        np.unique(a, return_index=True, return_counts=True), axis=1
    ),
    "inverse": lambda np, a, b: np.unique(a, return_inverse=True)[1],
    "rows once": lambda np, a, b: np.unique(
        np.column_stack([a % 2, a % 3]), axis=0, return_inverse=True
    )[0],
    "which row": lambda np, a, b: np.unique(
        np.column_stack([a % 2, a % 3]), axis=0, return_inverse=True
    )[1].ravel(),
    "columns once": lambda np, a, b: np.unique(
        np.stack([a > 2, a > 4]), axis=1, return_inverse=True
    )[0],
    "which column": lambda np, a, b: np.unique(
        np.stack([a > 2, a > 4]), axis=1, return_inverse=True
    )[1].ravel(),
    "beside": lambda np, a, b: np.concatenate([np.stack([a, a]), np.stack([a, a])], axis=1),
    "argsort": lambda np, a, b: np.argsort(a, kind="stable"),
    "sort": lambda np, a, b: np.sort(a),
    "searchsorted": lambda np, a, b: np.searchsorted(np.sort(a), b),
    "right of": lambda np, a, b: np.searchsorted(np.sort(a), b, side="right"),
    "several searched": lambda np, a, b: np.searchsorted(np.sort(a), [b, b + 1]),
    "cumsum": lambda np, a, b: np.cumsum(a),
    "diff": lambda np, a, b: np.diff(a, prepend=-1),
    "diff to the end": lambda np, a, b: np.diff(a, append=7),
    "bincount": lambda np, a, b: np.bincount(a + 4, minlength=3),
    "weights": lambda np, a, b: np.bincount(a + 4, weights=a).astype(np.int64),
    "repeat": lambda np, a, b: np.repeat(a, a + 4),
    "tile": lambda np, a, b: np.tile(a, 2),
    "rows over and over": lambda np, a, b: np.tile(a, (3, 1)),
    "where": lambda np, a, b: np.where(a > 0, a, -1),
    "select": lambda np, a, b: np.select([a > 3, a > 0], [1, 2], 0),
    "concatenate": lambda np, a, b: np.concatenate([a, np.empty(0, dtype=np.int64), b]),
    "append": lambda np, a, b: np.append(a, 5),
    "least": lambda np, a, b: np.minimum(a, 3),
    "greatest": lambda np, a, b: np.maximum(a, 3),
    "in": lambda np, a, b: np.isin(a, b),
    "common": lambda np, a, b: np.intersect1d(a, b),
    "union": lambda np, a, b: np.union1d(a, b),
    "without": lambda np, a, b: np.setdiff1d(a, b),
    "columns": lambda np, a, b: np.column_stack([a, a + 1])[:, 1],
    "a column and a table": lambda np, a, b: np.column_stack([a, np.stack([a, a], axis=1)]),
    "table": lambda np, a, b: np.stack([a, a * 2])[:, :2],
    "transposed": lambda np, a, b: np.stack([a, a * 2]).T,
    "outer": lambda np, a, b: a[:, None] + b[None, :],
    "cross": lambda np, a, b: (a[:, None] * b[None, :])[np.ix_(a > 2, b > 0)],
    "pairs": lambda np, a, b: (a[:, None] * b[None, :])[np.flatnonzero(a > 2), 0],
    "along columns": lambda np, a, b: (a[:, None] > b[None, :]).any(axis=0),
    "along rows": lambda np, a, b: (a[:, None] > b[None, :]).all(axis=1),
    "sums": lambda np, a, b: (a[:, None] + b[None, :]).sum(axis=1),
    "product": lambda np, a, b: a @ (a[:, None] + b[None, :]),
    "where in a table": lambda np, a, b: np.argwhere(a[:, None] > b[None, :]),
    "laid out": lambda np, a, b: np.tile(a, 2).reshape(-1, 2),
    "split": lambda np, a, b: np.concatenate(np.split(a, np.array([1]))),
    "bits": lambda np, a, b: np.unpackbits(
        np.packbits((a > 2).astype(np.uint8), bitorder="little"), bitorder="little", count=len(a)
    ),
    "bytes": lambda np, a, b: np.frombuffer(a.tobytes(), np.int64),
    "looked up": lambda np, a, b: np.array([7, 8, 9])[np.stack([a, a]) % 3],
}


def written(np: Any, a: Any) -> list[Any]:
    """Return tables into which is written in every way that the analysis knows."""
    row = np.zeros(9, dtype=np.int64)
    row[1:3] = 4
    row[np.array([5, 5, 6])] = np.array([1, 2, 3])
    row[row == 4] = -1
    row[0] = a[0] > 0
    table = np.zeros((3, 4), dtype=np.int64)
    table[np.ix_(np.array([True, False, True]), np.array([1, 2]))] = 5
    table[np.array([0, 1]), np.array([3, 0])] = np.array([8, 9])
    table[1, 2] = a[0]
    table[2] = [1, 2, 3, 4]
    marks = np.ones(3, dtype=np.bool_)
    marks[1:] = np.array([0, 1])
    return [row.tolist(), table.tolist(), marks.tolist(), (~marks).tolist()]


@pytest.mark.parametrize("name", FUNCTIONS)
@given(left=rows, right=rows)
def test_each_function_gives_what_numpy_gives(name: str, left: list[int], right: list[int]) -> None:
    use = FUNCTIONS[name]
    expected = use(numpy, numpy.array(left), numpy.array(right))
    with on_lists():
        found = use(chosen, numbers(left), numbers(right))
    assert isinstance(found, FewNumbers)
    assert found.tolist() == expected.tolist()
    assert found.shape == expected.shape
    assert (found.dtype == "?") == (expected.dtype == numpy.bool_)
    assert numpy.asarray(found).tolist() == expected.tolist()


@given(left=rows)
def test_written_cells_are_those_of_numpy(left: list[int]) -> None:
    with on_lists():
        found = written(chosen, numbers(left))
    assert found == written(numpy, numpy.array(left))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: a[numbers([True])],
        lambda a: a + numbers([1, 2]),
        lambda a: a[7],
        lambda a: ~a,
        lambda a: (a > 0) - (a > 1),
        lambda a: a.reshape(2, 2),
        lambda a: a[numbers([0, 1])].max() + a[:0].max(),
    ],
)
def test_what_numpy_refuses_is_refused(wrong: Any) -> None:
    with pytest.raises((IndexError, TypeError, ValueError)):
        wrong(numbers([1, 2, 3]))


def loaded(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom podwall.cli import main\nmain(sys.argv[1:])\n"
        "print(*sys.modules, sep='\\n')\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    "words", [("reach",), ("reach", "-o", "json"), ("reach", "-o", "html"), ("lint",)]
)
@pytest.mark.long(keep=1)
def test_a_small_cluster_waits_for_no_numpy(words: tuple[str, ...]) -> None:
    command, *options = words
    assert "numpy" not in loaded(command, "examples/shop", *options)


@pytest.mark.long
def test_a_small_preview_waits_for_no_numpy(tmp_path: Path) -> None:
    options = ("--with", "embedded", "--stack", "dev", "--out", str(tmp_path))
    assert "numpy" not in loaded("preview", *options)


def test_a_large_cluster_is_computed_with_numpy(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{0}, namespace: shop}}\n---\n"
    (tmp_path / "pods.yaml").write_text("".join(pod.format(each) for each in range(300)))
    assert "numpy" in loaded("reach", str(tmp_path), "-o", "groups")
