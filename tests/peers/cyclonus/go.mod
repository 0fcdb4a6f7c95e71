module podwall.dev/cyclonus

go 1.21

require github.com/mattfenwick/cyclonus v0.5.6
