"""The typed NetworkPolicy language: what is written. Pure Python, standard library only."""
