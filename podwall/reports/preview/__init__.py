"""A planned stack: for the terminal, as JSON, and as the files that a preview leaves."""
