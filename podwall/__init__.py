"""What a stack's network policies mean: who can reach whom, before anything is deployed."""
