"""Least privilege from intent: policies that open what expectations state, and nothing else.

A suggestion is no promise but a result: the workloads are analysed again with the suggested
policies alone, every expectation is checked, and whatever else is open is a finding.
"""

from __future__ import annotations

from podwall.suggest.suggestion import Baseline, Suggestion, baseline, suggest

__all__ = ["Baseline", "Suggestion", "baseline", "suggest"]
