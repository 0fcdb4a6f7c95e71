"""What people and programs read: each report formats what was computed, and computes nothing."""
