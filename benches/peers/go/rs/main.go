// SPDX-License-Identifier: MIT OR Apache-2.0

// rs/cors.
package main

import (
	"net/http"
	"strings"

	"github.com/rs/cors"
	"libcors.example/peers/harness"
)

type middleware struct{ *cors.Cors }

func (m middleware) Wrap(handler http.Handler) http.Handler {
	return m.Handler(handler)
}

func main() {
	harness.Main("github.com/rs/cors", harness.Row{Name: "rs/cors", Load: load})
}

func load(policy *harness.Policy) (harness.Middleware, error) {
	origins := make([]string, len(policy.AllowOrigins))
	for i, text := range policy.AllowOrigins {
		origins[i] = strings.Replace(text, "**", "*", 1)
	}
	return middleware{cors.New(cors.Options{
		AllowedOrigins: origins,
		// It checks the method of actual requests too.
		AllowedMethods: append([]string{"GET", "HEAD", "POST"}, policy.AllowMethods...),
		AllowedHeaders: policy.AllowHeaders,
		ExposedHeaders: policy.ExposeHeaders,
		MaxAge:         policy.MaxAge,
	})}, nil
}
