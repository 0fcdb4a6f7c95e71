// Asks Cilium's own policy code who may connect to whom, for clusters that come as lines of JSON.
//
// Every pod gets the labels that the agent gives it, every address those of its CIDR. A line of the
// answer has, for each cluster, the refusal of each policy and one letter for each pair and packet.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/spanstat"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// What a peer means where an agent is not told otherwise: pods of any cluster.
const anyCluster = cmtypes.PolicyAnyCluster

type pod struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Spaces    map[string]string `json:"namespaceLabels"`
	TCP       map[string]uint16 `json:"tcp"`
	UDP       map[string]uint16 `json:"udp"`
}

type packet struct {
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port"`
}

type cluster struct {
	Pods      []pod             `json:"pods"`
	Addresses []string          `json:"addresses"`
	Nodes     bool              `json:"nodes"`
	Policies  []json.RawMessage `json:"policies"`
	Packets   []packet          `json:"packets"`
}

type answer struct {
	Refused []string `json:"refused"`
	Verdict string   `json:"verdict"`
}

type end struct {
	id    *identity.Identity
	pod   *pod
	isPod bool
}

func (p pod) identity() labels.Labels {
	found := labels.Labels{}
	add := func(key, value string) { found[key] = labels.NewLabel(key, value, labels.LabelSourceK8s) }
	for key, value := range p.Labels {
		add(key, value)
	}
	for key, value := range p.Spaces {
		add("io.cilium.k8s.namespace.labels."+key, value)
	}
	add("io.kubernetes.pod.namespace", p.Namespace)
	add("io.cilium.k8s.policy.cluster", "default")
	add("io.cilium.k8s.policy.serviceaccount", "default")
	return found
}

func rules(logger *slog.Logger, raw json.RawMessage) (api.Rules, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, err
	}
	switch kind.Kind {
	case "NetworkPolicy":
		var found slim.NetworkPolicy
		if err := json.Unmarshal(raw, &found); err != nil {
			return nil, err
		}
		return k8s.ParseNetworkPolicy(logger, anyCluster, &found)
	case "CiliumNetworkPolicy":
		var found v2.CiliumNetworkPolicy
		if err := json.Unmarshal(raw, &found); err != nil {
			return nil, err
		}
		return found.Parse(logger, anyCluster)
	default:
		var found v2.CiliumClusterwideNetworkPolicy
		if err := json.Unmarshal(raw, &found); err != nil {
			return nil, err
		}
		return found.Parse(logger, anyCluster)
	}
}

func ends(asked cluster) []end {
	found := []end{}
	for number := range asked.Pods {
		of := asked.Pods[number].identity()
		id := identity.NewIdentity(identity.NumericIdentity(1000+number), of)
		found = append(found, end{id, &asked.Pods[number], true})
	}
	for number, address := range asked.Addresses {
		of := labels.GetCIDRLabels(netip.PrefixFrom(netip.MustParseAddr(address), netip.MustParseAddr(address).BitLen()))
		id := identity.NewIdentity(identity.IdentityScopeLocal+identity.NumericIdentity(1+number), of)
		found = append(found, end{id, nil, false})
	}
	if asked.Nodes {
		for _, name := range []string{"host", "remote-node"} {
			id := identity.LookupReservedIdentity(identity.GetReservedID(name))
			found = append(found, end{id, nil, false})
		}
	}
	return found
}

func info(of end) *policy.EndpointInfo {
	found := &policy.EndpointInfo{ID: uint64(of.id.ID)}
	if of.pod != nil {
		found.TCPNamedPorts, found.UDPNamedPorts = of.pod.TCP, of.pod.UDP
	}
	return found
}

type statistics struct{ waiting, computing spanstat.SpanStat }

func (s *statistics) WaitingForPolicyRepository() *spanstat.SpanStat { return &s.waiting }
func (s *statistics) SelectorPolicyCalculation() *spanstat.SpanStat  { return &s.computing }

// Says whether the rules of one end let a flow pass; an end that is no pod has no rules.
func passes(logger *slog.Logger, repo *policy.Repository, of end, key policy.Key) (bool, error) {
	if !of.isPod {
		return true, nil
	}
	selected, _, err := repo.GetSelectorPolicy(of.id, 0, &statistics{}, uint64(of.id.ID))
	if err != nil {
		return false, err
	}
	found := selected.DistillPolicy(logger, info(of), nil)
	found.Ready()
	found.Detach(logger)
	entry, _, _ := found.Lookup(key)
	return !entry.IsDeny(), nil
}

func judged(logger *slog.Logger, asked cluster) (answer, error) {
	found := answer{Refused: []string{}}
	manager := identitymanager.NewIDManager(logger)
	translator := envoypolicy.NewEnvoyL7RulesTranslator(logger, certificatemanager.NewMockSecretManagerInline())
	repo := policy.NewPolicyRepository(logger, nil, nil, translator, manager, testpolicy.NewPolicyMetricsNoop())
	all := identity.IdentityMap{}
	there := ends(asked)
	for _, each := range there {
		all[each.id.ID] = each.id.LabelArray
		if each.isPod {
			manager.Add(each.id)
		}
	}
	wait := &sync.WaitGroup{}
	repo.GetSelectorCache().UpdateIdentities(all, nil, wait)
	wait.Wait()
	for _, raw := range asked.Policies {
		parsed, err := rules(logger, raw)
		if err != nil {
			found.Refused = append(found.Refused, err.Error())
			continue
		}
		found.Refused = append(found.Refused, "")
		repo.MustAddList(parsed)
	}
	said := []byte{}
	for _, source := range there {
		for _, destination := range there {
			for _, sent := range asked.Packets {
				if !source.isPod && !destination.isPod || source == destination {
					said = append(said, '-')
					continue
				}
				proto, err := u8proto.ParseProtocol(sent.Protocol)
				if err != nil {
					return found, err
				}
				leaves, err := passes(logger, repo, source, policy.EgressKey().WithIdentity(destination.id.ID).WithPortProto(proto, sent.Port))
				if err != nil {
					return found, err
				}
				enters, err := passes(logger, repo, destination, policy.IngressKey().WithIdentity(source.id.ID).WithPortProto(proto, sent.Port))
				if err != nil {
					return found, err
				}
				said = append(said, map[bool]byte{true: 'y', false: 'n'}[leaves && enters])
			}
		}
	}
	found.Verdict = string(said)
	return found, nil
}

func main() {
	logger := slog.New(slog.DiscardHandler)
	option.Config.EnableIPv4, option.Config.EnableIPv6 = true, true
	option.Config.EnableSCTP = true
	api.InitEntities("default")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var asked cluster
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		found, err := judged(logger, asked)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		written, _ := json.Marshal(found)
		fmt.Println(string(written))
	}
}
