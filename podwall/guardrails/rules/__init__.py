"""The guardrails, by what they are about. None of these modules starts anything."""

from __future__ import annotations
