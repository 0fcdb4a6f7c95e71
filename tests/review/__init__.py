"""One recipe for all: what was read, what it means, what was found, and how a command ends."""
