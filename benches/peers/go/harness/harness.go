// SPDX-License-Identifier: MIT OR Apache-2.0

// Package harness reads what every program of benches/peers reads (README.md)
// and measures net/http middleware:
//
//	answers SCENARIO
//	measure SCENARIO SAMPLES NANOSECONDS
package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Policy is a policy file of libcors.
type Policy struct {
	AllowOrigins  []string `json:"allow_origins"`
	AllowMethods  []string `json:"allow_methods"`
	AllowHeaders  []string `json:"allow_headers"`
	ExposeHeaders []string `json:"expose_headers"`
	MaxAge        int      `json:"max_age"`
}

// A Row is one line of the table.
type Row struct {
	Name string
	// Load makes what answers under a policy, or says why it cannot.
	Load func(*Policy) (Middleware, error)
}

// Middleware puts CORS around a handler.
type Middleware interface {
	Wrap(http.Handler) http.Handler
}

// A Decider only decides: whether this origin is allowed.
type Decider interface {
	Middleware
	Allows(origin string) bool
}

type scenario struct {
	Name     string
	Policy   string
	Requests string
	Check    int
}

type loaded struct {
	Middleware
	err  error
	time time.Duration
}

// writer is the least that middleware can write to.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(b []byte) (int, error) { return len(b), nil }
func (w *writer) WriteHeader(status int)      { w.status = status }

// Main runs the rows of one module.
func Main(module string, rows ...Row) {
	if len(os.Args) != 2 {
		log.Fatal("usage: ", os.Args[0], " FOLDER")
	}
	folder := os.Args[1]
	var list struct{ Scenarios []scenario }
	read(filepath.Join(folder, "scenarios.json"), &list)
	print(map[string]any{"versions": map[string]string{
		strings.TrimPrefix(module, "github.com/"): version(module),
		"Go": runtime.Version(),
	}})
	fmt.Println()
	policy := ""
	var middleware []loaded
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		for _, s := range list.Scenarios {
			if s.Name != words[1] {
				continue
			}
			if policy != s.Policy {
				policy = s.Policy
				middleware = nil
				runtime.GC()
				middleware = load(filepath.Join(folder, policy), rows)
				runtime.GC()
			}
			requests := requests(filepath.Join(folder, s.Requests))
			for i, row := range rows {
				if err := middleware[i].err; err != nil {
					print(map[string]any{"row": row.Name, "skipped": err.Error()})
					continue
				}
				with, without := handlers(middleware[i], requests)
				if with == nil {
					print(map[string]any{"row": row.Name, "skipped": "decides on origins only"})
				} else if words[0] == "answers" {
					print(map[string]any{"row": row.Name, "answers": answers(with, s.Check)})
				} else {
					line := measure(with, without, len(requests), words[2:])
					line["row"] = row.Name
					line["load_ms"] = float64(middleware[i].time.Nanoseconds()) / 1e6
					print(line)
				}
			}
		}
		fmt.Println()
	}
}

func load(path string, rows []Row) (all []loaded) {
	var policy Policy
	read(path, &policy)
	for _, row := range rows {
		start := time.Now()
		middleware, err := row.Load(&policy)
		all = append(all, loaded{middleware, err, time.Since(start)})
	}
	return all
}

// work answers a request.
type work func(request int) *writer

// handlers are the same work with the middleware and without.
func handlers(m loaded, requests []*http.Request) (with, without work) {
	if decider, ok := m.Middleware.(Decider); ok {
		allowed := &writer{header: http.Header{"Access-Control-Allow-Origin": {"*"}}}
		refused := &writer{header: http.Header{}}
		origins := make([]string, len(requests))
		for i, request := range requests {
			origins[i] = request.Header.Get("Origin")
			if origins[i] == "" || request.Method == http.MethodOptions {
				return nil, nil
			}
		}
		return func(i int) *writer {
			if decider.Allows(origins[i]) {
				return allowed
			}
			return refused
		}, nil
	}
	bare := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	around := func(handler http.Handler) work {
		w := &writer{header: http.Header{}}
		return func(i int) *writer {
			clear(w.header)
			w.status = http.StatusOK
			handler.ServeHTTP(w, requests[i])
			return w
		}
	}
	return around(m.Wrap(bare)), around(bare)
}

func answers(with work, check int) (all []any) {
	for i := range check {
		w := with(i)
		headers := map[string]string{}
		for name, values := range w.header {
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		all = append(all, []any{w.status, headers})
	}
	return all
}

func measure(with, without work, count int, words []string) map[string]any {
	samples, err := strconv.Atoi(words[0])
	if err != nil {
		log.Fatal(err)
	}
	nanoseconds, err := strconv.ParseFloat(words[1], 64)
	if err != nil {
		log.Fatal(err)
	}
	clocks := []*clock{newClock(with, count, nanoseconds)}
	if without != nil {
		clocks = append(clocks, newClock(without, count, nanoseconds))
	}
	times := [2][]float64{{}, {}}
	for range samples {
		for i, c := range clocks {
			times[i] = append(times[i], c.sample())
		}
	}
	return map[string]any{"with": times[0], "without": times[1]}
}

type clock struct {
	work work
	// Of the requests, which are taken in turn.
	count, next int
	// In one sample.
	batch int
}

func newClock(work work, count int, nanoseconds float64) *clock {
	c := &clock{work, count, 0, 1}
	for c.sample()*float64(c.batch) < nanoseconds {
		c.batch *= 2
	}
	return c
}

// sample is the nanoseconds of one request.
func (c *clock) sample() float64 {
	start := time.Now()
	for range c.batch {
		c.work(c.next)
		c.next++
		if c.next == c.count {
			c.next = 0
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(c.batch)
}

func requests(path string) []*http.Request {
	var list []struct {
		Method         string
		Origin         *string
		RequestMethod  *string `json:"request_method"`
		RequestHeaders *string `json:"request_headers"`
	}
	read(path, &list)
	all := make([]*http.Request, len(list))
	for i, r := range list {
		header := http.Header{}
		for name, value := range map[string]*string{
			"Origin":                         r.Origin,
			"Access-Control-Request-Method":  r.RequestMethod,
			"Access-Control-Request-Headers": r.RequestHeaders,
		} {
			if value != nil {
				header[name] = []string{*value}
			}
		}
		all[i] = &http.Request{Method: r.Method, URL: &url.URL{Path: "/"}, Header: header}
	}
	return all
}

func read(path string, value any) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		log.Fatal(path, ": ", err)
	}
}

func print(line map[string]any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		log.Fatal(err)
	}
}

func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module && dependency.Replace != nil {
			return dependency.Version + " (a local copy)"
		}
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "unknown"
}
