// Answers what the API server makes of a NetworkPolicy: one JSON document a line in, one answer out.
//
// It is Kubernetes' own decoder, defaults, validation and warnings, without a server around them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
)

type answer struct {
	Document     json.RawMessage `json:"document"`
	Refused      []string        `json:"refused"`
	Stored       json.RawMessage `json:"stored,omitempty"`
	UnknownField bool            `json:"unknown_field"`
	CidrWarnings int             `json:"cidr_warnings"`
}

var group = "networking.k8s.io"

func serializer(strict bool) runtime.Serializer {
	options := kjson.SerializerOptions{Strict: strict}
	return kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, legacyscheme.Scheme, legacyscheme.Scheme, options)
}

func codec() runtime.Codec {
	internal := schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal}
	v1 := schema.GroupVersion{Group: group, Version: "v1"}
	return legacyscheme.Codecs.CodecForVersions(serializer(false), serializer(false), v1, internal)
}

func ask(document []byte) answer {
	reply := answer{Document: append([]byte{}, document...), Refused: []string{}}
	object, _, err := codec().Decode(document, nil, nil)
	policy, ok := object.(*networking.NetworkPolicy)
	if err != nil || !ok {
		reply.Refused = append(reply.Refused, "decode")
		return reply
	}
	if policy.Namespace == "" {
		policy.Namespace = "default"
	}
	ctx := genericapirequest.WithNamespace(context.Background(), policy.Namespace)
	fields := map[string]bool{}
	for _, problem := range networkpolicy.Strategy.Validate(ctx, policy) {
		fields[problem.Field] = true
	}
	for field := range fields {
		reply.Refused = append(reply.Refused, field)
	}
	sort.Strings(reply.Refused)
	if len(reply.Refused) > 0 {
		return reply
	}
	_, _, err = serializer(true).Decode(document, nil, nil)
	reply.UnknownField = err != nil
	for _, warning := range networkpolicy.Strategy.WarningsOnCreate(ctx, policy) {
		// How IPv6 is abbreviated says nothing about what it means.
		if strings.Contains(warning, "CIDR") && !strings.Contains(warning, "RFC 5952") {
			reply.CidrWarnings++
		}
	}
	stored, err := runtime.Encode(codec(), policy)
	if err == nil {
		reply.Stored = json.RawMessage(strings.TrimSpace(string(stored)))
	}
	return reply
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		reply, err := json.Marshal(ask(lines.Bytes()))
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(append(reply, '\n'))
	}
}
