// Judges every packet of clusters by the evaluators of kube-network-policies: a cluster a line on the
// standard input, and the same with its verdicts on the standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/kube-network-policies/pkg/api"
	"sigs.k8s.io/kube-network-policies/pkg/network"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
	tiers "sigs.k8s.io/kube-network-policies/plugins/npa-v1alpha2"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	tierfake "sigs.k8s.io/network-policy-api/pkg/client/clientset/versioned/fake"
	tierinformers "sigs.k8s.io/network-policy-api/pkg/client/informers/externalversions"
)

type cluster struct {
	Name       string                           `json:"name"`
	Namespaces map[string]map[string]string     `json:"namespaces"`
	Pods       []pod                            `json:"pods"`
	Outside    []string                         `json:"outside"`
	Policies   []*networkingv1.NetworkPolicy    `json:"policies"`
	Tiers      []*v1alpha2.ClusterNetworkPolicy `json:"tiers"`
	Packets    []packet                         `json:"packets"`
	Passes     []string                         `json:"passes,omitempty"`
}

type pod struct {
	Namespace string                 `json:"namespace"`
	Name      string                 `json:"name"`
	Address   string                 `json:"address"`
	Labels    map[string]string      `json:"labels"`
	Ports     []corev1.ContainerPort `json:"ports"`
}

type packet struct {
	Protocol corev1.Protocol `json:"protocol"`
	Port     int             `json:"port"`
}

type addresses map[string]*api.PodInfo

func (known addresses) GetPodInfoByIP(address string) (*api.PodInfo, bool) {
	found, ok := known[address]
	return found, ok
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var read cluster
		if err := json.Unmarshal(lines.Bytes(), &read); err != nil {
			fail(err)
		}
		var raw map[string]any
		if err := json.Unmarshal(lines.Bytes(), &raw); err != nil {
			fail(err)
		}
		raw["passes"] = judged(read)
		if err := out.Encode(raw); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// judged returns a line for each pair of addresses, in order: one letter for each packet.
func judged(read cluster) []string {
	known := addresses{}
	ends := append([]string{}, read.Outside...)
	for _, each := range read.Pods {
		info := &api.PodInfo{
			Name: each.Name, Labels: each.Labels,
			Namespace: &api.Namespace{Name: each.Namespace, Labels: read.Namespaces[each.Namespace]},
		}
		for _, port := range each.Ports {
			info.ContainerPorts = append(info.ContainerPorts, &api.ContainerPort{
				Name: port.Name, Port: port.ContainerPort, Protocol: string(port.Protocol)})
		}
		known[each.Address] = info
		ends = append(ends, each.Address)
	}
	engine := networkpolicy.NewPolicyEngine(known, evaluators(read))
	var lines []string
	for _, source := range ends {
		for _, destination := range ends {
			letters := ""
			for _, each := range read.Packets {
				passes, err := engine.EvaluatePacket(context.Background(), &network.Packet{
					Family: corev1.IPv4Protocol, SrcIP: net.ParseIP(source), DstIP: net.ParseIP(destination),
					Proto: each.Protocol, SrcPort: 40000, DstPort: each.Port})
				if err != nil {
					fail(err)
				}
				letters += map[bool]string{true: "+", false: "-"}[passes]
			}
			lines = append(lines, letters)
		}
	}
	return lines
}

func evaluators(read cluster) []api.PolicyEvaluator {
	plain := informers.NewSharedInformerFactory(fake.NewSimpleClientset(), 0)
	own := tierinformers.NewSharedInformerFactory(tierfake.NewSimpleClientset(), 0)
	policies := plain.Networking().V1().NetworkPolicies()
	found := own.Policy().V1alpha2().ClusterNetworkPolicies()
	for _, each := range read.Policies {
		if err := policies.Informer().GetIndexer().Add(each); err != nil {
			fail(err)
		}
	}
	for _, each := range read.Tiers {
		if err := found.Informer().GetIndexer().Add(each); err != nil {
			fail(err)
		}
	}
	nodes := plain.Core().V1().Nodes().Lister()
	return []api.PolicyEvaluator{
		tiers.NewClusterNetworkPolicy(v1alpha2.AdminTier, found, nil, nodes),
		networkpolicy.NewStandardNetworkPolicy("node", plain.Core().V1().Namespaces(), plain.Core().V1().Pods(), policies),
		tiers.NewClusterNetworkPolicy(v1alpha2.BaselineTier, found, nil, nodes),
	}
}
