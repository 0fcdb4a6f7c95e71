"""Who can reach whom, in every format."""
