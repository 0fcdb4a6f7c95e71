"""Post a report as the one comment on a pull request: edited where it is there, not repeated.

Standard library only, so that it runs from a checkout: `python -P -m podwall.posting github FILE`.
The first line of a report is its marker; only a comment of one's own that starts with it is edited.
"""
