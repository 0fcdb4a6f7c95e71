from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podwall.diff import ConnectionChangeKind, PolicyChangeKind
from podwall.policies.errors import Finding, Place, Severity
from podwall.reports.comment import ChangedObject, comment, marker
from podwall.reports.comment.rendering import LIMIT, MarkdownBlock, fitted, utf16_length
from tests.reports.test_comment import REPORT, changed

pytestmark = pytest.mark.long


def test_a_long_comment_stays_below_the_limit_and_says_what_is_missing() -> None:
    changes = tuple(
        replace(changed(f"ns-{i}/{'w' * 40}", f"ns-{j}/{'d' * 40}"), after=f"TCP {1 + i * 60 + j}")
        for i in range(60)
        for j in range(60)
    )
    said = comment(replace(REPORT, connections=changes))
    assert LIMIT - 300 < utf16_length(said) <= LIMIT
    assert "more group" in said
    assert "see the [full report](https://example.com/run/7)" in said
    assert said.count("<details>") == said.count("</details>")
    assert said.endswith("</sub>\n")


_LONG = st.builds(
    lambda part, times: part * times,
    st.sampled_from(["w", "@", "`", "|", "<", "\U0001f600", "a/b ", "https://"]),
    st.sampled_from([1, 60, 3_000]),
)


@settings(max_examples=60)
@given(_LONG, _LONG, _LONG, st.sampled_from([1, 20, 100]))
def test_no_name_message_or_count_makes_it_too_long(
    name: str, subject: str, link: str, count: int
) -> None:
    finding = Finding("open", Severity.ERROR, f"{name} is open", Place(name), name)
    report = replace(
        REPORT,
        subject=subject,
        artifact=f"https://example.com/{link}",
        connections=tuple(
            replace(changed(f"{name}-{n}", name, kind), because=(name,) * 9)
            for kind, n in zip(cycle(ConnectionChangeKind), range(count), strict=False)
        ),
        policies=(ChangedObject(name, PolicyChangeKind.ADDED, name),) * count,
        findings=(finding, replace(finding, severity=Severity.WARNING)) * count,
    )
    said = comment(report)
    assert utf16_length(said) <= LIMIT
    assert said.count("<details>") == said.count("</details>")


def test_long_subjects_have_markers_of_their_own() -> None:
    one, other = ("s" * 999 + end for end in "ab")
    assert marker(one) != marker(other)


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(400, 900))
def test_blocks_always_fit(lines: list[int], limit: int) -> None:
    block = MarkdownBlock("head\n", tuple("x" * n + "\n" for n in lines), "foot\n")
    said = fitted([block, block], "end\n", limit, "elsewhere")
    assert utf16_length(said) <= limit
    assert said.endswith("foot\nend\n")
    for part in said.removesuffix("end\n").split("head\n")[1:]:
        kept = part.count("x\n")
        left = len(lines) - kept
        assert (f"… and {left} more line" in part) == (left > 0)


def test_of_a_long_list_only_what_fits_is_written() -> None:
    written: list[int] = []

    class Lines(Collection[str]):
        def __len__(self) -> int:
            return 10_000

        def __iter__(self) -> Iterator[str]:
            for number in range(len(self)):
                written.append(number)
                yield f"{number:09}\n"

        def __contains__(self, line: object) -> bool:
            return line in set(self)

    said = fitted([MarkdownBlock("head\n", Lines())], "end", 200, "elsewhere")
    assert len(written) < 30
    kept = said.count("\n0")
    assert said.endswith(f"… and {10_000 - kept:,} more lines: elsewhere\nend")
    assert len(said) <= 200
