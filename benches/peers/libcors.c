// SPDX-License-Identifier: MIT OR Apache-2.0
//
// libcors through the C ABI: one row of the table of peers, and what
// ../compare_instructions.py counts.
//
//     libcors FOLDER
//
// reads from standard input what every program beside it reads (README.md):
//
//     answers SCENARIO
//     measure SCENARIO SAMPLES NANOSECONDS
//
// and this besides, under callgrind: one dump of the instructions of all
// requests of a scenario, each evaluated once after a warm-up.
//
//     count SCENARIO

#define _DEFAULT_SOURCE

#include "cors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

static const char    *folder;
static json_t        *scenarios;

// What is loaded; the next scenario may use it again.
static char          *policy_name;
static cors_policy   *policy;
static double         load_seconds;

static json_t        *texts;
static cors_request  *requests;
static size_t         request_count;
static size_t         next;

static void
fail(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s\n", what, name);
    exit(1);
}

static double
now(void)
{
    struct timespec  time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static json_t *
read_json(const char *name)
{
    char     path[4096];
    json_t  *json;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    json = json_load_file(path, 0, NULL);
    if (json == NULL) {
        fail("cannot be read", path);
    }
    return json;
}

static void
load_policy(const char *name)
{
    char    path[4096];
    double  start;

    if (policy_name != NULL && strcmp(policy_name, name) == 0) {
        return;
    }
    cors_policy_free(policy);
    free(policy_name);
    policy_name = strdup(name);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    start = now();
    if (cors_policy_load_file(path, NULL, NULL, &policy) != CORS_OK) {
        fail("is refused", path);
    }
    load_seconds = now() - start;
}

static cors_str
member(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);
    cors_str       text = { json_string_value(value),
                            json_string_length(value) };

    return text;
}

static void
load_requests(const char *name)
{
    size_t   i;
    json_t  *object;

    json_decref(texts);
    free(requests);
    texts = read_json(name);
    request_count = json_array_size(texts);
    requests = calloc(request_count, sizeof(*requests));
    if (requests == NULL) {
        fail("no memory", name);
    }
    json_array_foreach(texts, i, object) {
        requests[i].size = sizeof(requests[i]);
        requests[i].method = member(object, "method");
        requests[i].origin = member(object, "origin");
        requests[i].request_method = member(object, "request_method");
        requests[i].request_headers = member(object, "request_headers");
    }
    next = 0;
}

static const json_t *
load_scenario(const char *name)
{
    size_t   i;
    json_t  *scenario;

    json_array_foreach(json_object_get(scenarios, "scenarios"), i, scenario) {
        if (strcmp(json_string_value(json_object_get(scenario, "name")), name)
            == 0)
        {
            load_policy(json_string_value(json_object_get(scenario,
                                                          "policy")));
            load_requests(json_string_value(json_object_get(scenario,
                                                            "requests")));
            return scenario;
        }
    }
    fail("no such scenario", name);
    return NULL;
}

static void
evaluate(cors_decision *decision)
{
    if (cors_evaluate(policy, &requests[next], decision) != CORS_OK) {
        fail("failed", "cors_evaluate");
    }
    // Else the compiler could leave out what nobody reads.
    __asm__ volatile("" : : "r"(decision) : "memory");
    next = next + 1 == request_count ? 0 : next + 1;
}

// The nanoseconds of so many requests.
static double
run(size_t count)
{
    cors_decision  decision = CORS_DECISION_INIT;
    double         start = now();

    while (count-- > 0) {
        evaluate(&decision);
    }
    return (now() - start) * 1e9;
}

static void
print_answers(const json_t *scenario)
{
    json_t  *answers = json_array();
    json_t  *line;
    json_int_t  i, check = json_integer_value(json_object_get(scenario,
                                                              "check"));

    for (i = 0; i < check; i++) {
        cors_decision  decision = CORS_DECISION_INIT;
        json_t        *headers = json_object();
        uint32_t       k;

        evaluate(&decision);
        for (k = 0; k < decision.header_count; k++) {
            const cors_header  *header = &decision.headers[k];

            json_object_set_new(headers, header->name.ptr,
                                json_stringn(header->value.ptr,
                                             header->value.len));
        }
        json_array_append_new(answers, json_pack("[I, o]",
                                                 (json_int_t) decision.status,
                                                 headers));
    }
    line = json_pack("{s:s, s:o}", "row", "libcors (C)", "answers", answers);
    json_dumpf(line, stdout, JSON_COMPACT);
    json_decref(line);
    printf("\n");
}

static void
print_times(size_t samples, double nanoseconds)
{
    size_t  i, count = 1;

    while (run(count) < nanoseconds) {
        count *= 2;
    }
    printf("{\"row\": \"libcors (C)\", \"load_ms\": %.3f, \"without\": [], "
           "\"with\": [", load_seconds * 1e3);
    for (i = 0; i < samples; i++) {
        printf("%s%.3f", i == 0 ? "" : ", ", run(count) / (double) count);
    }
    printf("]}\n");
}

static void
count_instructions(const char *name)
{
    run(request_count);
    CALLGRIND_ZERO_STATS;
    run(request_count);
    CALLGRIND_DUMP_STATS_AT(name);
    printf("{\"scenario\": \"%s\", \"requests\": %zu}\n", name,
           request_count);
}

int
main(int argc, char **argv)
{
    char      command[16], name[128];
    char      line[256];
    unsigned  samples;
    double    nanoseconds;

    if (argc != 2) {
        fail("usage: libcors FOLDER", "see benches/README.md");
    }
    folder = argv[1];
    scenarios = read_json("scenarios.json");
    printf("{\"versions\": {\"libcors\": \"%s\"}}\n\n", cors_version());
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        const json_t  *scenario;

        samples = 0;
        nanoseconds = 0;
        if (sscanf(line, "%15s %127s %u %lf", command, name, &samples,
                   &nanoseconds) < 2)
        {
            fail("not a command", line);
        }
        scenario = load_scenario(name);
        if (strcmp(command, "answers") == 0) {
            print_answers(scenario);
        } else if (strcmp(command, "measure") == 0) {
            print_times(samples, nanoseconds);
        } else if (strcmp(command, "count") == 0) {
            count_instructions(name);
        } else {
            fail("not a command", line);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
