"""The network policies of this program's stacks, in the typed language of `podwall.policies`.

`policies.walkthrough` is the backend's policy at each of the five steps; `policies.shop` says who
may connect to whom in the shop. What runs there is declared in `components.applications`.
"""
