// SPDX-License-Identifier: MIT OR Apache-2.0

// Reads requests, one JSON object a line, and prints what
// http.CrossOriginProtection says to each: allow or deny. The arguments are the
// trusted origins. src/tests/go.rs starts it.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	protection := http.NewCrossOriginProtection()
	for _, origin := range os.Args[1:] {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			log.Fatal(err)
		}
	}
	requests := json.NewDecoder(os.Stdin)
	answers := bufio.NewWriter(os.Stdout)
	for {
		var request struct {
			Method, Host string
			Header       http.Header
		}
		if err := requests.Decode(&request); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		answer := "allow\n"
		if protection.Check(&http.Request{
			Method: request.Method,
			Host:   request.Host,
			Header: request.Header,
		}) != nil {
			answer = "deny\n"
		}
		answers.WriteString(answer)
	}
	if err := answers.Flush(); err != nil {
		log.Fatal(err)
	}
}
