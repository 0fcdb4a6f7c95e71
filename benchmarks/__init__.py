"""Benchmarks and demonstrations: what is measured, and pages to look at."""
