"""The Pulumi resources that an AKS cluster is made of."""

from __future__ import annotations
