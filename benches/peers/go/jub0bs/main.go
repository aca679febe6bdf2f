// SPDX-License-Identifier: MIT OR Apache-2.0

// jub0bs/cors: its middleware, and its decision alone.
package main

import (
	"errors"
	"strings"

	"github.com/jub0bs/cors"
	"github.com/jub0bs/cors/internal/origins"
	"libcors.example/peers/harness"
)

// decision is the part of the middleware that looks at the origin.
type decision struct {
	*cors.Middleware
	tree origins.Tree
}

func (d *decision) Allows(origin string) bool {
	o, ok := origins.Parse(origin)
	return ok && d.tree.Contains(&o)
}

func main() {
	harness.Main("github.com/jub0bs/cors",
		harness.Row{Name: "jub0bs/cors", Load: loadMiddleware},
		harness.Row{Name: "jub0bs/cors (decision only)", Load: loadDecision})
}

func loadMiddleware(policy *harness.Policy) (harness.Middleware, error) {
	list, err := patterns(policy)
	if err != nil {
		return nil, err
	}
	return cors.NewMiddleware(cors.Config{
		Origins:         list,
		Methods:         policy.AllowMethods,
		RequestHeaders:  policy.AllowHeaders,
		ResponseHeaders: policy.ExposeHeaders,
		MaxAgeInSeconds: policy.MaxAge,
	})
}

func loadDecision(policy *harness.Policy) (harness.Middleware, error) {
	list, err := patterns(policy)
	if err != nil {
		return nil, err
	}
	parsed := make([]*origins.Pattern, len(list))
	for i, text := range list {
		pattern, err := origins.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		parsed[i] = &pattern
	}
	return &decision{tree: origins.NewTree(parsed...)}, nil
}

// patterns are the policy's in this peer's words.
func patterns(policy *harness.Policy) ([]string, error) {
	list := make([]string, len(policy.AllowOrigins))
	for i, text := range policy.AllowOrigins {
		list[i] = strings.Replace(text, "://**.", "://*.", 1)
		if strings.Contains(list[i], "*-") {
			return nil, errors.New("has no wildcards inside a label")
		}
	}
	return list, nil
}
