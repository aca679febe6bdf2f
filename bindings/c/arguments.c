// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What callers get wrong, and what attackers send: NULL, sizes, lengths,
// bounds, NUL bytes; and where a decision points.

#include "test.h"

#define APP  "https://app.example.com"

static const char  JSON[] =
    "{\"allow_origins\": [\"" APP "\"], \"allow_credentials\": true,"
    " \"allow_methods\": [\"*\"], \"allow_headers\": [\"*\"]}";

static cors_policy  *policy;

// A preflight that passes, for tests that break one thing in it.
static cors_request
preflight(void)
{
    cors_request  request = CORS_REQUEST_INIT;

    request.method = test_str("OPTIONS");
    request.origin = test_str(APP);
    request.request_method = test_str("UNLOCK");
    request.request_headers = test_str("x-a");
    return request;
}

// A decision full of rubbish: the library may not depend on what it holds.
static cors_decision
rubbish(void)
{
    cors_decision  decision;

    memset(&decision, 0xA5, sizeof(decision));
    decision.size = sizeof(decision);
    return decision;
}

static void
test_null(void)
{
    cors_request   request = preflight();
    cors_decision  decision = rubbish();

    test_title = "NULL is an argument error, and denies";
    CHECK(cors_evaluate(NULL, &request, &decision) == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&decision));
    decision = rubbish();
    CHECK(cors_evaluate(policy, NULL, &decision) == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&decision));
    CHECK(cors_evaluate(policy, &request, NULL) == CORS_ERROR_ARGUMENT);
    CHECK(cors_evaluate(NULL, NULL, NULL) == CORS_ERROR_ARGUMENT);
    cors_policy_free(NULL);

    test_title = "rubbish in a decision does not matter";
    decision = rubbish();
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_PREFLIGHT_ALLOWED);
    CHECK(decision.size == sizeof(decision));
}

static void
test_request_size(void)
{
    size_t  i;
    struct {
        cors_request  request;
        char          tail[24];
    }       larger;
    static const size_t  wrong[] = {
        0, 1, sizeof(size_t), offsetof(cors_request, host) - 1, SIZE_MAX,
    };
    cors_request   request = preflight();
    cors_decision  decision;

    test_title = "a request of a size that cannot be";
    for (i = 0; i < COUNT(wrong); i++) {
        request.size = wrong[i];
        decision = rubbish();
        CHECK(cors_evaluate(policy, &request, &decision)
              == CORS_ERROR_ARGUMENT);
        CHECK(test_denies(&decision));
        CHECK(cors_explain(policy, &request, NULL, 0) == 0);
    }

    test_title = "a later version's request that asks for nothing new";
    memset(&larger, 0, sizeof(larger));
    larger.request = preflight();
    larger.request.size = sizeof(larger);
    decision = rubbish();
    CHECK(cors_evaluate(policy, &larger.request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_PREFLIGHT_ALLOWED);
    CHECK(cors_explain(policy, &larger.request, NULL, 0) != 0);

    test_title = "a later version's request that asks for more";
    for (i = 0; i < sizeof(larger.tail); i++) {
        memset(larger.tail, 0, sizeof(larger.tail));
        larger.tail[i] = 1;
        decision = rubbish();
        CHECK(cors_evaluate(policy, &larger.request, &decision)
              == CORS_ERROR_ARGUMENT);
        CHECK(test_denies(&decision));
        CHECK(cors_explain(policy, &larger.request, NULL, 0) == 0);
    }
}

static void
test_decision_size(void)
{
    size_t  i;
    struct {
        cors_decision  decision;
        char           tail[24];
    }       larger;
    static const size_t  wrong[] = {
        0, 1, sizeof(size_t), sizeof(cors_decision) - 1,
    };
    cors_request   request = preflight();
    cors_decision  decision, before;

    test_title = "a decision that is too small is not written";
    for (i = 0; i < COUNT(wrong); i++) {
        decision = rubbish();
        decision.size = wrong[i];
        before = decision;
        CHECK(cors_evaluate(policy, &request, &decision)
              == CORS_ERROR_ARGUMENT);
        CHECK(cors_evaluate(NULL, NULL, &decision) == CORS_ERROR_ARGUMENT);
        CHECK(memcmp(&decision, &before, sizeof(decision)) == 0);
    }

    test_title = "a later version's decision keeps its size and its tail";
    memset(&larger, 0xA5, sizeof(larger));
    larger.decision.size = sizeof(larger);
    CHECK(cors_evaluate(policy, &request, &larger.decision) == CORS_OK);
    CHECK(larger.decision.verdict == CORS_VERDICT_PREFLIGHT_ALLOWED);
    CHECK(larger.decision.size == sizeof(larger));
    CHECK(cors_evaluate(policy, NULL, &larger.decision)
          == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&larger.decision));
    CHECK(larger.decision.size == sizeof(larger));
    for (i = 0; i < sizeof(larger.tail); i++) {
        CHECK(CAST(unsigned char, larger.tail[i]) == 0xA5);
    }
    // The largest size that there is: only the library's own part is used.
    larger.decision.size = SIZE_MAX;
    CHECK(cors_evaluate(policy, &request, &larger.decision) == CORS_OK);
    CHECK(larger.decision.size == SIZE_MAX);
}

static cors_str *
member(cors_request *request, size_t i)
{
    cors_str  *members[] = {
        &request->method, &request->origin, &request->request_method,
        &request->request_headers,
    };

    return members[i];
}

static void
test_lengths(void)
{
    size_t               i, k;
    static const size_t  huge[] = { SIZE_MAX, SIZE_MAX / 2 + 1 };
    cors_request         request;
    cors_decision        decision = CORS_DECISION_INIT;

    test_title = "a length that no object has";
    for (i = 0; i < 4; i++) {
        for (k = 0; k < COUNT(huge); k++) {
            request = preflight();
            member(&request, i)->len = huge[k];
            decision = rubbish();
            CHECK(cors_evaluate(policy, &request, &decision)
                  == CORS_ERROR_ARGUMENT);
            CHECK(test_denies(&decision));
            CHECK(cors_explain(policy, &request, NULL, 0) == 0);
        }
    }

    test_title = "a NULL string is absent, whatever its length";
    for (k = 0; k < COUNT(huge); k++) {
        request = preflight();
        request.request_headers.ptr = NULL;
        request.request_headers.len = huge[k];
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_PREFLIGHT_ALLOWED);
        request.request_method.ptr = NULL;
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
        request.origin.ptr = NULL;
        request.method.ptr = NULL;
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_NOT_CORS);
    }
}

static int
reason_of(const cors_policy *with, const cors_request *request)
{
    cors_decision  decision = CORS_DECISION_INIT;

    CHECK(cors_evaluate(with, request, &decision) == CORS_OK);
    return decision.reason;
}

// The longest that passes, and one byte more.
static void
test_bounds(void)
{
    size_t        i;
    static char   json[CORS_ORIGIN_MAX + 64];
    static char   origin[CORS_ORIGIN_MAX + 1];
    static char   text[CORS_REQUEST_HEADERS_MAX + 1];
    cors_request  request;
    cors_policy  *longest;

    test_title = "the longest origin: scheme of 64, host of 253, port of 5";
    memset(origin, 'a', sizeof(origin));
    memcpy(origin + 64, "://", 3);
    memcpy(origin + 64 + 3 + 253, ":65535", 6);
    snprintf(json, sizeof(json), "{\"allow_origins\": [\"%.*s\"]}",
             CORS_ORIGIN_MAX, origin);
    longest = test_load(json);
    request = preflight();
    request.request_method.ptr = NULL;
    request.origin.ptr = origin;
    request.origin.len = CORS_ORIGIN_MAX;
    CHECK(reason_of(longest, &request) == CORS_REASON_NONE);
    request.origin.len = CORS_ORIGIN_MAX + 1;
    CHECK(reason_of(longest, &request) == CORS_REASON_ORIGIN_MALFORMED);
    cors_policy_free(longest);

    test_title = "the longest method";
    memset(text, 'M', sizeof(text));
    request = preflight();
    request.request_method.ptr = text;
    request.request_method.len = CORS_METHOD_MAX;
    CHECK(reason_of(policy, &request) == CORS_REASON_NONE);
    request.request_method.len = CORS_METHOD_MAX + 1;
    CHECK(reason_of(policy, &request) == CORS_REASON_METHOD_MALFORMED);

    test_title = "the longest header name";
    request = preflight();
    request.request_headers.ptr = text;
    request.request_headers.len = CORS_HEADER_NAME_MAX;
    CHECK(reason_of(policy, &request) == CORS_REASON_NONE);
    request.request_headers.len = CORS_HEADER_NAME_MAX + 1;
    CHECK(reason_of(policy, &request) == CORS_REASON_HEADERS_MALFORMED);

    test_title = "the longest header list";
    for (i = 0; i < sizeof(text); i += 8) {
        text[i] = ',';
    }
    request.request_headers.len = CORS_REQUEST_HEADERS_MAX;
    CHECK(reason_of(policy, &request) == CORS_REASON_NONE);
    request.request_headers.len = CORS_REQUEST_HEADERS_MAX + 1;
    CHECK(reason_of(policy, &request) == CORS_REASON_HEADERS_MALFORMED);
    memset(text, ',', sizeof(text));
    CHECK(reason_of(policy, &request) == CORS_REASON_HEADERS_MALFORMED);
}

// The vectors have a NUL in every other string.
static void
test_nul_byte(void)
{
    static const cors_str  options = STR("OPTIONS\0");
    cors_request           request = preflight();
    cors_decision          decision = CORS_DECISION_INIT;

    test_title = "a method does not end at a NUL, so this is not OPTIONS";
    request.method = options;
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
}

static const cors_header *
find(const cors_decision *decision, const char *name, unsigned skip)
{
    uint32_t  i;

    for (i = 0; i < decision->header_count; i++) {
        if (test_same(decision->headers[i].name, name) && skip-- == 0) {
            return &decision->headers[i];
        }
    }
    fprintf(stderr, "%s: no %s\n", test_title, name);
    exit(1);
}

static void
test_lifetimes(void)
{
    cors_request   request = preflight();
    cors_decision  decision = CORS_DECISION_INIT;
    cors_str       value;

    test_title = "what is echoed points into the request";
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    value = find(&decision, "access-control-allow-origin", 0)->value;
    CHECK(value.ptr == request.origin.ptr);
    CHECK(value.len == request.origin.len);
    value = find(&decision, "access-control-allow-methods", 1)->value;
    CHECK(value.ptr == request.request_method.ptr);
    CHECK(value.len == request.request_method.len);
    value = find(&decision, "access-control-allow-headers", 0)->value;
    CHECK(value.ptr == request.request_headers.ptr);
    CHECK(value.len == request.request_headers.len);

    test_title = "the pattern is the policy's own, and ends in a NUL";
    CHECK(decision.pattern.ptr != request.origin.ptr);
    CHECK(strcmp(decision.pattern.ptr, APP) == 0);

    test_title = "a culprit points into the request";
    request.request_headers = test_str("x-a, Cookie");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.culprit.ptr == request.request_headers.ptr + 5);
    CHECK(decision.culprit.len == 6);
    request.request_method = test_str("TRACE");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.culprit.ptr == request.request_method.ptr);
    CHECK(decision.culprit.len == 5);
}

// What failed leaves nothing behind: the same variables serve again, and what
// an unlucky caller goes on with denies.
static void
test_after_errors(void)
{
    static const char  bad[] = "{\"allow_origins\": []}";
    cors_policy       *other = NULL;
    cors_request       request = preflight();
    cors_decision      decision = rubbish();

    test_title = "a policy that was refused, used as if it was not";
    CHECK(cors_policy_load(bad, sizeof(bad) - 1, NULL, NULL, &other)
          == CORS_ERROR_POLICY);
    CHECK(cors_evaluate(other, &request, &decision) == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&decision));
    CHECK(cors_explain(other, &request, NULL, 0) == 0);
    cors_policy_free(other);

    test_title = "after an error the same decision and request are good";
    request.size = 1;
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&decision));
    request.size = sizeof(request);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_PREFLIGHT_ALLOWED);
    CHECK(decision.status == 204 && decision.header_count == 6);

    test_title = "an allowed decision is denied whole by the next failure";
    CHECK(cors_evaluate(NULL, &request, &decision) == CORS_ERROR_ARGUMENT);
    CHECK(test_denies(&decision));

    test_title = "after a refused load the same variable takes a policy";
    CHECK(cors_policy_load(JSON, sizeof(JSON) - 1, NULL, NULL, &other)
          == CORS_OK);
    CHECK(cors_evaluate(other, &request, &decision) == CORS_OK);
    CHECK(decision.status == 204);
    cors_policy_free(other);
}

int
main(void)
{
    policy = test_load(JSON);
    test_after_errors();
    test_null();
    test_request_size();
    test_decision_size();
    test_lengths();
    test_bounds();
    test_nul_byte();
    test_lifetimes();
    cors_policy_free(policy);
    return test_end();
}
