// SPDX-License-Identifier: MIT OR Apache-2.0
//
// cors.h alone: it needs no other header before it, can be included twice,
// and its layouts and numbers are those that were promised. A number here may
// be added to, never changed: programs were compiled with it.

#include "cors.h"
#include "cors.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
#define SAME(left, right) static_assert((left) == (right), #left)
#elif __STDC_VERSION__ >= 201112L
#define SAME(left, right) _Static_assert((left) == (right), #left)
#else
// C99: an array that cannot be.
#define SAME(left, right) extern char same[(left) == (right) ? 1 : -1]
#endif

// Where a member is, and how large.
#define MEMBER(type, member, offset, size)                                   \
    SAME(offsetof(type, member), offset);                                    \
    SAME(sizeof(member_of_##type.member), size)

static cors_str         member_of_cors_str;
static cors_header      member_of_cors_header;
static cors_request     member_of_cors_request = CORS_REQUEST_INIT;
static cors_decision    member_of_cors_decision = CORS_DECISION_INIT;
static cors_diagnostic  member_of_cors_diagnostic;
static cors_source_state  member_of_cors_source_state = CORS_SOURCE_STATE_INIT;

#ifdef __LP64__

SAME(sizeof(cors_str), 16);
MEMBER(cors_str, ptr, 0, 8);
MEMBER(cors_str, len, 8, 8);

SAME(sizeof(cors_header), 32);
MEMBER(cors_header, name, 0, 16);
MEMBER(cors_header, value, 16, 16);

SAME(sizeof(cors_request), 136);
MEMBER(cors_request, size, 0, 8);
MEMBER(cors_request, method, 8, 16);
MEMBER(cors_request, origin, 24, 16);
MEMBER(cors_request, request_method, 40, 16);
MEMBER(cors_request, request_headers, 56, 16);
MEMBER(cors_request, host, 72, 16);
MEMBER(cors_request, fetch_site, 88, 16);
MEMBER(cors_request, upgrade, 104, 16);
MEMBER(cors_request, scheme, 120, 16);

SAME(sizeof(cors_source_state), 592);
MEMBER(cors_source_state, size, 0, 8);
MEMBER(cors_source_state, version, 8, 8);
MEMBER(cors_source_state, loaded, 16, 8);
MEMBER(cors_source_state, failed, 24, 8);
MEMBER(cors_source_state, status, 32, 4);
MEMBER(cors_source_state, reserved, 36, 4);
MEMBER(cors_source_state, pattern_count, 40, 8);
MEMBER(cors_source_state, sha256, 48, 32);
MEMBER(cors_source_state, change, 80, 512);

SAME(sizeof(cors_decision), 312);
MEMBER(cors_decision, size, 0, 8);
MEMBER(cors_decision, verdict, 8, 4);
MEMBER(cors_decision, reason, 12, 4);
MEMBER(cors_decision, status, 16, 4);
MEMBER(cors_decision, header_count, 20, 4);
MEMBER(cors_decision, headers, 24, 256);
MEMBER(cors_decision, culprit, 280, 16);
MEMBER(cors_decision, pattern, 296, 16);

SAME(sizeof(cors_diagnostic), 88);
MEMBER(cors_diagnostic, size, 0, 8);
MEMBER(cors_diagnostic, severity, 8, 4);
MEMBER(cors_diagnostic, line, 12, 4);
MEMBER(cors_diagnostic, column, 16, 4);
MEMBER(cors_diagnostic, code, 24, 16);
MEMBER(cors_diagnostic, pointer, 40, 16);
MEMBER(cors_diagnostic, message, 56, 16);
MEMBER(cors_diagnostic, help, 72, 16);

#endif

SAME(CORS_OK, 0);
SAME(CORS_ERROR_ARGUMENT, 1);
SAME(CORS_ERROR_POLICY, 2);
SAME(CORS_ERROR_IO, 3);
SAME(CORS_ERROR_INTERNAL, 4);

SAME(CORS_VERDICT_NOT_CORS, 0);
SAME(CORS_VERDICT_ALLOWED, 1);
SAME(CORS_VERDICT_REFUSED, 2);
SAME(CORS_VERDICT_PREFLIGHT_ALLOWED, 3);
SAME(CORS_VERDICT_PREFLIGHT_REFUSED, 4);
SAME(CORS_VERDICT_SAME_ORIGIN, 5);
SAME(CORS_VERDICT_BLOCKED, 6);

SAME(CORS_REASON_NONE, 0);
SAME(CORS_REASON_ORIGIN_NOT_ALLOWED, 1);
SAME(CORS_REASON_ORIGIN_MALFORMED, 2);
SAME(CORS_REASON_METHOD_NOT_ALLOWED, 3);
SAME(CORS_REASON_METHOD_MALFORMED, 4);
SAME(CORS_REASON_HEADER_NOT_ALLOWED, 5);
SAME(CORS_REASON_HEADERS_MALFORMED, 6);
SAME(CORS_REASON_CROSS_SITE, 7);

SAME(CORS_SEVERITY_ERROR, 0);
SAME(CORS_SEVERITY_WARNING, 1);

SAME(CORS_HEADERS_MAX, 8);
SAME(CORS_POLICY_MAX, 268435456);
SAME(CORS_POLICY_DEPTH_MAX, 8);
SAME(CORS_ORIGIN_MAX, 326);
SAME(CORS_METHOD_MAX, 64);
SAME(CORS_HEADER_NAME_MAX, 256);
SAME(CORS_REQUEST_HEADERS_MAX, 4096);
SAME(CORS_DIAGNOSTICS_MAX, 100);
SAME(CORS_VARY_MAX, 128);

// The bounds work in the preprocessor as well.
#if CORS_HEADERS_MAX != 8 || CORS_VERSION_MAJOR < 0                          \
    || CORS_VERSION_MINOR < 0 || CORS_VERSION_PATCH < 0
#error "a constant of cors.h is not a plain number"
#endif

// Every function, with the type that the design gives it.
static cors_status (*const load)(const char *, size_t, cors_diagnostic_fn,
                                 void *, cors_policy **) = cors_policy_load;
static cors_status (*const load_file)(const char *, cors_diagnostic_fn, void *,
                                      cors_policy **) = cors_policy_load_file;
static cors_policy *(*const retain)(cors_policy *) = cors_policy_retain;
static void (*const free_policy)(cors_policy *) = cors_policy_free;
static cors_status (*const evaluate)(const cors_policy *, const cors_request *,
                                     cors_decision *) = cors_evaluate;
static size_t (*const explain)(const cors_policy *, const cors_request *,
                               char *, size_t) = cors_explain;
static size_t (*const vary)(cors_str, cors_str, char *, size_t) =
    cors_vary_missing;
static const char *(*const version)(void) = cors_version;
static const char *(*const list_date)(void) = cors_public_suffix_list_date;
static const char *(*const status_text)(int) = cors_status_text;
static const char *(*const verdict_text)(int) = cors_verdict_text;
static const char *(*const reason_text)(int) = cors_reason_text;

static unsigned  checks;
static unsigned  failures;

static void
check(bool condition, const char *what)
{
    checks++;
    if (!condition) {
        failures++;
        fprintf(stderr, "not so: %s\n", what);
    }
}

static bool
absent(cors_str str)
{
    return str.ptr == NULL && str.len == 0;
}

int
main(void)
{
    int                   i;
    char                  text[32];
    cors_request          request = CORS_REQUEST_INIT;
    cors_decision         decision = CORS_DECISION_INIT;
    const cors_request   *first = &member_of_cors_request;
    const cors_decision  *second = &member_of_cors_decision;

    check(first->size == sizeof(cors_request), "CORS_REQUEST_INIT's size");
    check(absent(first->method) && absent(first->origin)
          && absent(first->request_method) && absent(first->request_headers)
          && absent(first->host) && absent(first->fetch_site)
          && absent(first->upgrade) && absent(first->scheme),
          "CORS_REQUEST_INIT has nothing");
    check(second->size == sizeof(cors_decision), "CORS_DECISION_INIT's size");
    check(second->verdict == CORS_VERDICT_REFUSED
          && second->reason == CORS_REASON_NONE && second->status == 0
          && second->header_count == 0 && absent(second->culprit)
          && absent(second->pattern),
          "CORS_DECISION_INIT permits nothing");
    for (i = 0; i < CORS_HEADERS_MAX; i++) {
        check(absent(second->headers[i].name)
              && absent(second->headers[i].value),
              "CORS_DECISION_INIT's headers");
    }
    check(absent(member_of_cors_str) && absent(member_of_cors_header.name)
          && absent(member_of_cors_diagnostic.code),
          "static storage is absent");

    snprintf(text, sizeof(text), "%d.%d.%d", CORS_VERSION_MAJOR,
             CORS_VERSION_MINOR, CORS_VERSION_PATCH);
    check(strcmp(text, CORS_VERSION) == 0, "the version's four macros agree");
    check(strcmp(version(), CORS_VERSION) == 0,
          "the library is the header's version");
    check(strlen(list_date()) == 10, "the public suffix list has a date");

    check(load(NULL, 0, NULL, NULL, NULL) == CORS_ERROR_ARGUMENT, "load");
    check(load_file(NULL, NULL, NULL, NULL) == CORS_ERROR_ARGUMENT,
          "load_file");
    check(retain(NULL) == NULL, "retain");
    free_policy(NULL);
    check(evaluate(NULL, &request, &decision) == CORS_ERROR_ARGUMENT,
          "evaluate");
    check(explain(NULL, &request, NULL, 0) == 0, "explain");
    check(vary(request.host, request.host, NULL, 0) == 0, "vary");
    check(status_text(0) != NULL && verdict_text(0) != NULL
          && reason_text(0) != NULL, "texts");

    printf("%u checks\n", checks);
    return failures == 0 ? 0 : 1;
}
