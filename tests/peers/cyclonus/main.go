// Writes the cases that cyclonus generates, one step a line: the cluster, and what cyclonus' own
// simulator says of every probe. tests/peers/test_cyclonus.py compares.
//
//	go mod tidy && go run . > cases.jsonl
package main

import (
	"encoding/json"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/connectivity"
	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/kube"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

var (
	namespaces = []string{"x", "y", "z"}
	pods       = []string{"a", "b", "c"}
	ports      = []int{80, 81}
	protocols  = []v1.Protocol{v1.ProtocolTCP, v1.ProtocolUDP, v1.ProtocolSCTP}
)

type step struct {
	Case        int                           `json:"case"`
	Step        int                           `json:"step"`
	Description string                        `json:"description"`
	Namespaces  map[string]map[string]string  `json:"namespaces"`
	Pods        []pod                         `json:"pods"`
	Policies    []*networkingv1.NetworkPolicy `json:"policies"`
	Verdicts    []verdict                     `json:"verdicts"`
}

type pod struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Address   string            `json:"address"`
	Labels    map[string]string `json:"labels"`
}

type verdict struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	Says     string `json:"says"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	last, err := cluster().Resources.GetPod("z", "c")
	check(err)
	cases := generator.NewTestCaseGenerator(false, last.IP, namespaces, nil, nil).GenerateTestCases()
	for number, testCase := range cases {
		state := cluster()
		for index, each := range testCase.Steps {
			for _, action := range each.Actions {
				check(apply(state, action))
			}
			check(out.Encode(step{
				number, index, testCase.Description, state.Resources.Namespaces,
				podsOf(state), state.Policies, simulated(state, each.Probe),
			}))
		}
	}
}

func cluster() *connectivity.TestCaseState {
	kubernetes := kube.NewMockKubernetes(1.0)
	resources, err := probe.NewDefaultResources(
		kubernetes, namespaces, pods, ports, protocols, nil, 60, false, "none")
	check(err)
	return &connectivity.TestCaseState{Kubernetes: kubernetes, Resources: resources}
}

func podsOf(state *connectivity.TestCaseState) (found []pod) {
	for _, each := range state.Resources.Pods {
		found = append(found, pod{each.Namespace, each.Name, each.IP, each.Labels})
	}
	return found
}

func simulated(state *connectivity.TestCaseState, asked *generator.ProbeConfig) (said []verdict) {
	policy := matcher.BuildNetworkPolicies(true, state.Policies)
	runner := probe.NewSimulatedRunner(policy, &probe.JobBuilder{TimeoutSeconds: 1})
	table := runner.RunProbeForConfig(asked, state.Resources)
	for _, pair := range table.Wrapped.Keys() {
		for _, result := range table.Get(pair.From, pair.To).JobResults {
			said = append(said, verdict{
				pair.From, pair.To, string(result.Job.Protocol), result.Job.ResolvedPort,
				string(result.Combined),
			})
		}
	}
	return said
}

func apply(state *connectivity.TestCaseState, a *generator.Action) error {
	switch {
	case a.CreatePolicy != nil:
		return state.CreatePolicy(a.CreatePolicy.Policy)
	case a.UpdatePolicy != nil:
		return state.UpdatePolicy(a.UpdatePolicy.Policy)
	case a.DeletePolicy != nil:
		return state.DeletePolicy(a.DeletePolicy.Namespace, a.DeletePolicy.Name)
	case a.CreateNamespace != nil:
		return state.CreateNamespace(a.CreateNamespace.Namespace, a.CreateNamespace.Labels)
	case a.SetNamespaceLabels != nil:
		return state.SetNamespaceLabels(a.SetNamespaceLabels.Namespace, a.SetNamespaceLabels.Labels)
	case a.DeleteNamespace != nil:
		return state.DeleteNamespace(a.DeleteNamespace.Namespace)
	case a.CreatePod != nil:
		return state.CreatePod(a.CreatePod.Namespace, a.CreatePod.Pod, a.CreatePod.Labels)
	case a.SetPodLabels != nil:
		return state.SetPodLabels(a.SetPodLabels.Namespace, a.SetPodLabels.Pod, a.SetPodLabels.Labels)
	case a.DeletePod != nil:
		return state.DeletePod(a.DeletePod.Namespace, a.DeletePod.Pod)
	}
	return nil // reading policies changes nothing
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
