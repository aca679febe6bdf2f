// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The package cors of Express, with Node's own request and response.
//
//     node main.js FOLDER
//
// reads what every program beside it reads (README.md):
//
//     answers SCENARIO
//     measure SCENARIO SAMPLES NANOSECONDS

'use strict'

const fs = require('fs')
const http = require('http')
const path = require('path')
const readline = require('readline')

const cors = require('cors')

const folder = process.argv[2]
const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name)))
const print = (line) => process.stdout.write(JSON.stringify(line) + '\n')

const { scenarios } = read('scenarios.json')

const loaded = {}

function load (name) {
  if (loaded.name === name) return
  const policy = read(name)
  const start = process.hrtime.bigint()
  loaded.name = name
  loaded.middleware = cors({
    origin: policy.allow_origins.map(originOption),
    methods: policy.allow_methods,
    allowedHeaders: policy.allow_headers,
    exposedHeaders: policy.expose_headers,
    maxAge: policy.max_age
  })
  loaded.milliseconds = Number(process.hrtime.bigint() - start) / 1e6
}

// A pattern with wildcards as a regular expression.
function originOption (pattern) {
  if (!pattern.includes('*')) return pattern
  const literal = pattern.replace(/[.]/g, '\\.')
  return new RegExp('^' + literal
    .replace('**', '[a-z0-9_.-]+').replace(/(?<!\])[*]/g, '[a-z0-9_-]+') + '$')
}

function incoming ({ method, origin, request_method, request_headers }) {
  const request = new http.IncomingMessage(null)
  request.method = method
  request.url = '/'
  Object.entries({
    origin,
    'access-control-request-method': request_method,
    'access-control-request-headers': request_headers
  }).forEach(([name, value]) => {
    if (value !== undefined) request.headers[name] = value
  })
  return request
}

// What a handler does that has nothing to say.
function next () {}

function answerWith (request) {
  const response = new http.ServerResponse(request)
  loaded.middleware(request, response, next)
  return response
}

// The middleware ends the answer to a preflight itself.
function answerWithout (request) {
  const response = new http.ServerResponse(request)
  if (request.method === 'OPTIONS') {
    response.statusCode = 204
    response.setHeader('Content-Length', '0')
    response.end()
  }
  return response
}

class Clock {
  constructor (work, requests, nanoseconds) {
    Object.assign(this, { work, requests, next: 0, batch: 1 })
    while (this.sample() * this.batch < nanoseconds) this.batch *= 2
  }

  // Nanoseconds a request.
  sample () {
    const start = process.hrtime.bigint()
    for (let i = 0; i < this.batch; i++) {
      this.work(this.requests[this.next])
      this.next = this.next + 1 === this.requests.length ? 0 : this.next + 1
    }
    return Number(process.hrtime.bigint() - start) / this.batch
  }
}

function answers (requests, check) {
  return requests.slice(0, check).map((request) => {
    const response = answerWith(request)
    const headers = response.getHeaders()
    for (const name in headers) headers[name] = String(headers[name])
    return [response.statusCode, headers]
  })
}

function measure (requests, samples, nanoseconds) {
  const clocks = [answerWith, answerWithout]
    .map((work) => new Clock(work, requests, nanoseconds))
  const times = [[], []]
  for (let i = 0; i < samples; i++) {
    clocks.forEach((clock, k) => times[k].push(clock.sample()))
  }
  return { with: times[0], without: times[1] }
}

print({
  versions: {
    'expressjs/cors': require('cors/package.json').version,
    Node: process.versions.node
  }
})
process.stdout.write('\n')

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, name, ...words] = line.split(' ')
  const scenario = scenarios.find((scenario) => scenario.name === name)
  load(scenario.policy)
  const requests = read(scenario.requests).map(incoming)
  const result = command === 'answers'
    ? { answers: answers(requests, scenario.check) }
    : measure(requests, ...words.map(Number))
  print({ row: 'expressjs/cors', load_ms: loaded.milliseconds, ...result })
  process.stdout.write('\n')
})
