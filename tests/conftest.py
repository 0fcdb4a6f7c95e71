"""How property tests run: as long as they need, for a busy machine is no bug."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("podwall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podwall")
