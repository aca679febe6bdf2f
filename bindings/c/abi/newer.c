// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A program of today's header on a library of 0.1: it gets what 0.1 had, and
// an argument error only where it asks for more. test.sh runs it.

#include "../test.h"

#define APP  "https://app.example.com"

int
main(void)
{
    size_t         i;
    cors_policy   *policy = test_load("{\"allow_origins\": [\"" APP "\"]}");
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;
    cors_str      *newer[] = { &request.host, &request.fetch_site,
                               &request.upgrade, &request.scheme };

    test_title = "the library is that of 0.1";
    CHECK(strncmp(cors_version(), "0.1.", 4) == 0);

    test_title = "nothing new is asked for";
    request.method = test_str("GET");
    request.origin = test_str(APP);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);

    test_title = "a member that 0.1 does not know";
    for (i = 0; i < COUNT(newer); i++) {
        *newer[i] = test_str("x");
        CHECK(cors_evaluate(policy, &request, &decision)
              == CORS_ERROR_ARGUMENT);
        CHECK(test_denies(&decision));
        *newer[i] = test_str(NULL);
    }

    test_title = "a request as small as that of 0.1";
    request.size = offsetof(cors_request, host);
    request.host = test_str("x");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
    cors_policy_free(policy);
    return test_end();
}
