"""Whatever the input is: no traceback, no hang, no wrong verdict; what is sound is still read."""
