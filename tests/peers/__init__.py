"""Second opinions from outside: each test says plainly where its judge is not at hand."""
