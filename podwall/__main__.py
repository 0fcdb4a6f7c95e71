"""`python -m podwall` is `podwall`."""

from __future__ import annotations

import sys

from podwall.cli import main

sys.exit(main())
