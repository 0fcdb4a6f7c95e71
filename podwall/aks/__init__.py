"""What AKS is: facts with their sources, each once, for everything that speaks about a cluster."""
