"""A running cluster: its kubeconfig, its API server, and what is read from it.

Nothing of it is imported before a cluster is asked for, because only `podwall[live]` has what
speaks to one.
"""
