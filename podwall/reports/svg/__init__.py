"""Who can reach whom as a picture."""

from podwall.reports.svg.drawing import reach_svg

__all__ = ["reach_svg"]
