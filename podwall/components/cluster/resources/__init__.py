"""The Pulumi resources that an AKS cluster is made of; the only modules here that import Pulumi."""
