"""Situations that others wrote down, with the verdicts they published; the manifests are ours."""
