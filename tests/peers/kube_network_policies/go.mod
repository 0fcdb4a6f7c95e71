// The Kubernetes project's own evaluator of ClusterNetworkPolicies, as a judge of tiers.
module podwall-kube-network-policies

go 1.26.0

require (
	k8s.io/api v0.36.3
	k8s.io/client-go v0.36.3
	sigs.k8s.io/kube-network-policies v0.8.1-0.20260803082318-5f81cc376ba7
	sigs.k8s.io/network-policy-api v0.1.8-0.20260217173220-6bb86defe1a7
)
