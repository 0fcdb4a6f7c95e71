"""How a command ends, by what it found and by how certain it is."""

from __future__ import annotations

from itertools import product

import pytest

from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.policies import Finding, Severity

NOTE, WARNING, ERROR = (Severity.INFO, Severity.WARNING, Severity.ERROR)


@pytest.mark.parametrize(
    ("fail_on", "found", "certain", "code"),
    [
        (FailOn.ANY, [], True, ExitCode.FINE),
        (FailOn.ANY, [NOTE], True, ExitCode.FOUND),
        (FailOn.WARNING, [NOTE], True, ExitCode.FINE),
        (FailOn.WARNING, [NOTE, WARNING], True, ExitCode.FOUND),
        (FailOn.ERROR, [WARNING], True, ExitCode.FINE),
        (FailOn.ERROR, [ERROR], True, ExitCode.FOUND),
        (FailOn.ERROR, [], False, ExitCode.FINE),
        (FailOn.UNDETERMINED, [WARNING], True, ExitCode.FINE),
        (FailOn.UNDETERMINED, [WARNING], False, ExitCode.UNDETERMINED),
        (FailOn.UNDETERMINED, [ERROR], False, ExitCode.FOUND),
    ],
)
def test_the_code_is_that_of_the_most_serious(
    *, fail_on: FailOn, found: list[Severity], certain: bool, code: ExitCode
) -> None:
    assert exit_code(fail_on, found, certain=certain) is code
    findings = [Finding("x", each, "something") for each in found]
    assert exit_code(fail_on, findings, certain=certain) is code


def test_a_lower_bar_never_lets_more_through() -> None:
    order = [FailOn.ERROR, FailOn.WARNING, FailOn.ANY]
    for found in product(Severity, repeat=2):
        codes = [exit_code(each, found, certain=True) for each in order]
        assert codes == sorted(codes)
