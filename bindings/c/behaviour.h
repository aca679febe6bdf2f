// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The decision tables: one row is one request under one policy, and the whole
// answer: verdict, reason, status, the headers in order, culprit, pattern.

#ifndef BEHAVIOUR_H
#define BEHAVIOUR_H

#include "test.h"

#define APP    "https://app.example.com"
#define OTHER  "https://other.example.org"

// A policy with something of everything, without credentials.
static const char  FULL[] =
    "{\"allow_origins\": [\"" APP "\", \"https://*.example.net\","
    " \"https://**.deep.example.net\", \"http://localhost:*\"],"
    " \"allow_methods\": [\"PUT\", \"DELETE\"],"
    " \"allow_headers\": [\"Content-Type\", \"X-Token\"],"
    " \"expose_headers\": [\"x-total\", \"x-page\"], \"max_age\": 600}";

// The same with credentials, and the two values that are easy to lose.
static const char  CREDENTIALS[] =
    "{\"allow_origins\": [\"" APP "\"], \"allow_credentials\": true,"
    " \"allow_methods\": [\"PUT\"], \"allow_headers\": [\"Content-Type\"],"
    " \"expose_headers\": [\"x-total\"], \"max_age\": 0,"
    " \"preflight_status\": 200}";

// Nothing but what is required.
static const char  BARE[] = "{\"allow_origins\": [\"" APP "\"]}";

// The public interface: everything is `*`.
static const char  ANY[] =
    "{\"allow_origins\": [\"*\"], \"allow_methods\": [\"*\"],"
    " \"allow_headers\": [\"*\"], \"expose_headers\": [\"*\"],"
    " \"max_age\": 86400}";

static const char  ANY_BARE[] = "{\"allow_origins\": [\"*\"]}";

static const char  ANY_AUTHORIZATION[] =
    "{\"allow_origins\": [\"*\"], \"allow_headers\": [\"*\","
    " \"Authorization\"]}";

// `*` where browsers do not read it as a wildcard: with credentials.
static const char  STARS[] =
    "{\"allow_origins\": [\"" APP "\"], \"allow_credentials\": true,"
    " \"allow_methods\": [\"*\"], \"allow_headers\": [\"*\"],"
    " \"max_age\": 5}";

static const char  STARS_AUTHORIZATION[] =
    "{\"allow_origins\": [\"" APP "\"], \"allow_credentials\": true,"
    " \"allow_headers\": [\"*\", \"Authorization\"]}";

static const char  NULL_ORIGIN[] =
    "{\"allow_origins\": [\"null\"],"
    " \"dangerously_allow\": {\"null_origin\": true}}";

// Which pattern is named: exact before wildcard, then the first in the file.
static const char  ORDER[] =
    "{\"allow_origins\": [\"https://**.example.com\","
    " \"https://*.example.com\", \"https://a*.example.com\","
    " \"https://a.example.com\"]}";

#define ACAO(origin)  "access-control-allow-origin: " origin "\n"
#define ACAC          "access-control-allow-credentials: true\n"
#define ACEH(names)   "access-control-expose-headers: " names "\n"
#define ACAM(names)   "access-control-allow-methods: " names "\n"
#define ACAH(names)   "access-control-allow-headers: " names "\n"
#define ACMA(value)   "access-control-max-age: " value "\n"
#define VARY          "vary: origin\n"
#define VARY_ALL      TEST_VARY_ALL

#define FULL_ACAM     ACAM("GET,HEAD,POST,PUT,DELETE")
#define FULL_ACAH     ACAH("content-type,x-token")
#define FULL_ACEH     ACEH("x-total,x-page")

// The last seven members of a row, one macro for each line of the design's
// table. Arguments are the names of reasons without CORS_REASON_.
#define NOT_CORS(headers, pattern)                                           \
    CORS_VERDICT_NOT_CORS, CORS_REASON_NONE, 0, headers, NULL, pattern
#define ALLOWED(headers, pattern)                                            \
    CORS_VERDICT_ALLOWED, CORS_REASON_NONE, 0, headers, NULL, pattern
#define REFUSED(reason, headers)                                             \
    CORS_VERDICT_REFUSED, CORS_REASON_##reason, 0, headers, NULL, NULL
#define PREFLIGHT(status, headers, pattern)                                  \
    CORS_VERDICT_PREFLIGHT_ALLOWED, CORS_REASON_NONE, status, headers,       \
    NULL, pattern
#define REFUSED_403(reason, pattern)                                         \
    CORS_VERDICT_PREFLIGHT_REFUSED, CORS_REASON_##reason, 403, VARY_ALL,     \
    NULL, pattern
#define NOT_ALLOWED(status, reason, culprit, headers, pattern)               \
    CORS_VERDICT_PREFLIGHT_REFUSED, CORS_REASON_##reason, status, headers,   \
    culprit, pattern

typedef struct row {
    const char  *title;
    const char  *policy;
    const char  *method;
    const char  *origin;
    const char  *request_method;
    const char  *request_headers;
    int          verdict;
    int          reason;
    unsigned     status;
    const char  *headers;
    const char  *culprit;
    const char  *pattern;
} row;

// The bytes of one request string, in a block that ends where they end: so
// valgrind and AddressSanitizer see a read beyond them, and nothing ends in a
// NUL. One byte more comes first, so that an empty string has an address.
static inline cors_str
own(const char *text, char **block)
{
    cors_str  str = test_str(text);

    *block = NULL;
    if (str.ptr != NULL) {
        *block = CAST(char *, malloc(str.len + 1));
        memcpy(*block + 1, text, str.len);
        str.ptr = *block + 1;
    }
    return str;
}

static inline bool
within(cors_str part, cors_str whole)
{
    return part.ptr != NULL && whole.ptr != NULL && part.ptr >= whole.ptr
           && part.ptr + part.len <= whole.ptr + whole.len;
}

// Each string points into the request, or is the library's and ends in NUL.
static inline void
check_lifetime(cors_str str, const cors_request *request)
{
    if (str.ptr != NULL && !within(str, request->origin)
        && !within(str, request->request_method)
        && !within(str, request->request_headers))
    {
        CHECK(str.ptr[str.len] == '\0');
    }
}

static inline void
check_headers(const cors_decision *decision, const cors_request *request)
{
    size_t    k;
    uint32_t  i;

    for (i = 0; i < decision->header_count; i++) {
        const cors_header  *header = &decision->headers[i];

        check_lifetime(header->name, request);
        check_lifetime(header->value, request);
        for (k = 0; k < header->value.len; k++) {
            char  byte = header->value.ptr[k];

            CHECK((byte >= 0x20 && byte < 0x7F) || byte == '\t');
        }
    }
    for (; i < CORS_HEADERS_MAX; i++) {
        CHECK(decision->headers[i].name.ptr == NULL);
        CHECK(decision->headers[i].value.ptr == NULL);
    }
}

static inline void
check_row(const row *expected)
{
    size_t         i;
    static char    text[TEST_TEXT_MAX];
    char          *blocks[4];
    cors_policy   *policy;
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;

    test_title = expected->title;
    policy = test_load(expected->policy);
    request.method = own(expected->method, &blocks[0]);
    request.origin = own(expected->origin, &blocks[1]);
    request.request_method = own(expected->request_method, &blocks[2]);
    request.request_headers = own(expected->request_headers, &blocks[3]);

    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.size == sizeof(decision));
    CHECK(decision.verdict == expected->verdict);
    CHECK(decision.reason == expected->reason);
    CHECK(decision.status == expected->status);
    CHECK(test_same(decision.culprit, expected->culprit));
    CHECK(test_same(decision.pattern, expected->pattern));
    test_render(&decision, text);
    if (!CHECK(strcmp(text, expected->headers) == 0)) {
        fprintf(stderr, "--- expected\n%s--- got\n%s---\n", expected->headers,
                text);
    }
    check_headers(&decision, &request);
    check_lifetime(decision.pattern, &request);
    if (expected->culprit != NULL) {
        CHECK(within(decision.culprit, request.request_method)
              || within(decision.culprit, request.request_headers));
    }

    for (i = 0; i < COUNT(blocks); i++) {
        free(blocks[i]);
    }
    cors_policy_free(policy);
}

static inline void
check_rows(const row *table, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        check_row(&table[i]);
    }
}

#endif // BEHAVIOUR_H
