// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Evaluations of hostile inputs of chosen sizes, for work.py, which has their
// instructions counted under callgrind: that work is linear is proved there.
//
//     work KIND SIZE [KIND SIZE]...

#include "cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#define BYTES_MAX 65536

static char buffer[BYTES_MAX];

// Fills the buffer with a piece, over and over, up to size bytes.
static cors_str
repeated(const char *head, const char *piece, size_t size)
{
    cors_str text = { buffer, size };
    size_t i, used = strlen(head);

    memcpy(buffer, head, used);
    for (i = used; i < size; i++) {
        buffer[i] = piece[(i - used) % strlen(piece)];
    }
    return text;
}

static cors_str
literal(const char *text)
{
    cors_str str = { text, strlen(text) };
    return str;
}

// A policy with patterns at every depth and of every length, so that nothing
// of a host is skipped.
static char *
policy_text(void)
{
    static char text[262144];
    static char suffix[512];
    size_t used, depth;

    used = (size_t) sprintf(text, "{ \"allow_headers\": [\"a\", \"bb\"], "
                            "\"dangerously_allow\": {}, "
                            "\"allow_origins\": [\"https://other.example\"");
    strcpy(suffix, "x.example");
    for (depth = 0; depth < 100; depth++) {
        used += (size_t) sprintf(text + used, ", \"https://**.%s\"", suffix);
        used += (size_t) sprintf(text + used, ", \"https://**.b%s\"", suffix);
        used += (size_t) sprintf(text + used, ", \"https://c*d*e.%s\"",
                                 suffix);
        memmove(suffix + 2, suffix, strlen(suffix) + 1);
        memcpy(suffix, "a.", 2);
    }
    strcpy(text + used, "] }");
    return text;
}

// The request of a kind and size; 0 where there is no such kind.
static int
make_request(const char *kind, size_t size, cors_request *request)
{
    request->method = literal("OPTIONS");
    request->origin = literal("https://other.example");
    request->request_method = literal("GET");

    if (strcmp(kind, "commas") == 0) {
        request->request_headers = repeated("", ",", size);
    } else if (strcmp(kind, "spaces") == 0) {
        request->request_headers = repeated("", " ", size);
    } else if (strcmp(kind, "short-names") == 0) {
        request->request_headers = repeated("", "a,", size);
    } else if (strcmp(kind, "names") == 0) {
        request->request_headers = repeated("", "bb, a,\t,", size);
    } else if (strcmp(kind, "method") == 0) {
        request->request_method = repeated("", "A", size);
    } else if (strcmp(kind, "origin-labels") == 0) {
        request->origin = repeated("https://", "a.", size);
    } else if (strcmp(kind, "origin-deep") == 0) {
        // Whatever the size, there is a dot before the last two labels.
        request->origin = repeated(size % 2 == 0 ? "https://b" : "https://",
                                   "a.", size);
        memcpy(buffer + size - 9, "x.example", 9);
    } else if (strcmp(kind, "origin-pieces") == 0) {
        request->origin = repeated("https://", "c-d-", size);
        memcpy(buffer + size - 10, ".x.example", 10);
    } else if (strcmp(kind, "origin-scheme") == 0) {
        request->origin = repeated("", "s", size);
    } else {
        return 0;
    }
    return 1;
}

int
main(int argc, char **argv)
{
    cors_policy *policy;
    char *json = policy_text();
    int i;

    if (cors_policy_load(json, strlen(json), NULL, NULL, &policy) != CORS_OK) {
        return 2;
    }
    for (i = 1; i + 1 < argc; i += 2) {
        size_t size = (size_t) strtoul(argv[i + 1], NULL, 10);
        cors_request request = CORS_REQUEST_INIT;
        cors_decision decision = CORS_DECISION_INIT;

        if (size < 16 || size > BYTES_MAX
            || !make_request(argv[i], size, &request))
        {
            fprintf(stderr, "%s %s: no such input\n", argv[i], argv[i + 1]);
            return 2;
        }
        CALLGRIND_ZERO_STATS;
        if (cors_evaluate(policy, &request, &decision) != CORS_OK) {
            return 1;
        }
        CALLGRIND_DUMP_STATS;
        printf("%s %s\n", cors_verdict_text(decision.verdict),
               cors_reason_text(decision.reason));
    }
    cors_policy_free(policy);
    return 0;
}
