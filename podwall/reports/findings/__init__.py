"""What was found: for the terminal, as JSON and SARIF, and as JUnit XML."""
