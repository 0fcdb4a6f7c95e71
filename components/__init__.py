"""What is deployed: Pulumi components for AKS clusters, namespaces, workloads and policies."""
