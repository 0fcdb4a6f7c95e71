module podwall.dev/cilium

go 1.24

require github.com/cilium/cilium v1.18.6
