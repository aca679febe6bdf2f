// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What came after 0.1: a request that is as small as it was then, owners of a
// policy, and what is missing in a Vary.

#include "test.h"

#define APP  "https://app.example.com"

static const char  JSON[] = "{\"allow_origins\": [\"" APP "\"]}";

#define SIZE_0_1  offsetof(cors_request, host)

static cors_request
asked(void)
{
    cors_request  request = CORS_REQUEST_INIT;

    request.method = test_str("GET");
    request.origin = test_str(APP);
    return request;
}

// A program of 0.1 has other things where the later members are.
static void
test_size_of_0_1(void)
{
    size_t         size;
    cors_policy   *policy = test_load(JSON);
    cors_request   request;
    cors_decision  decision;

    test_title = "a request of any size from that of 0.1 on";
    CHECK(SIZE_0_1 == 4 * sizeof(cors_str) + sizeof(size_t));
    for (size = SIZE_0_1; size <= sizeof(request); size++) {
        memset(&request, 0xA5, sizeof(request));
        {
            cors_request  whole = asked();

            memcpy(&request, &whole, SIZE_0_1);
        }
        // Whole members that the size covers are absent, as they have to be
        // something; what lies behind the size is not looked at.
        memset(&request.host, 0, size - SIZE_0_1);
        request.size = size;
        memset(&decision, 0xA5, sizeof(decision));
        decision.size = sizeof(decision);
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
        CHECK(decision.header_count == 2);
        CHECK(cors_explain(policy, &request, NULL, 0) != 0);
        CHECK(request.size == size);
    }

    test_title = "a request that ends where 0.1's did, at the end of a block";
    {
        char          *block = CAST(char *, malloc(SIZE_0_1));
        cors_request   whole = asked();
        const void    *end = block;

        whole.size = SIZE_0_1;
        memcpy(block, &whole, SIZE_0_1);
        CHECK(cors_evaluate(policy, CAST(const cors_request *, end),
                            &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
        free(block);
    }
    cors_policy_free(policy);
}

// They have no effect until something is blocked.
static void
test_members(void)
{
    cors_policy   *policy = test_load(JSON);
    cors_request   request = asked();
    cors_decision  decision = CORS_DECISION_INIT;

    test_title = "the members since 0.2";
    request.host = test_str("app.example.com");
    request.fetch_site = test_str("cross-site");
    request.upgrade = test_str("websocket");
    request.scheme = test_str("https");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
    cors_policy_free(policy);
}

static void
test_owners(void)
{
    cors_policy   *policy = test_load(JSON);
    cors_request   request = asked();
    cors_decision  decision = CORS_DECISION_INIT;

    test_title = "a policy lives as long as one owner has it";
    CHECK(cors_policy_retain(NULL) == NULL);
    CHECK(cors_policy_retain(policy) == policy);
    CHECK(cors_policy_retain(policy) == policy);
    cors_policy_free(policy);
    cors_policy_free(policy);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
    CHECK(strcmp(decision.pattern.ptr, APP) == 0);
    cors_policy_free(policy);
}

static void
test_vary(void)
{
    static const char  all[] = "origin, access-control-request-method, "
                               "access-control-request-headers";
    static const struct {
        const char  *existing, *wanted, *missing;
    }       rows[] = {
        { NULL, "origin", "origin" },
        { NULL, NULL, "" },
        { "Origin", NULL, "" },
        { "", all, all },
        { "Accept-Encoding , ORIGIN", "origin", "" },
        { "*", all, "" },
        { "access-control-request-method", all,
          "origin, access-control-request-headers" },
        { "origins", "origin", "origin" },
        { "b", "a,b,c,,d", "a, c, d" },
    };
    size_t             i, len;
    char               buffer[CORS_VARY_MAX];
    char               longer[CORS_VARY_MAX + 1], room[sizeof(longer) + 1];
    cors_str           wanted;

    for (i = 0; i < COUNT(rows); i++) {
        test_title = rows[i].existing != NULL ? rows[i].existing : "no Vary";
        memset(buffer, 'x', sizeof(buffer));
        len = cors_vary_missing(test_str(rows[i].existing),
                                test_str(rows[i].wanted), buffer,
                                sizeof(buffer));
        CHECK(len == strlen(rows[i].missing));
        CHECK(strcmp(buffer, rows[i].missing) == 0);
    }

    test_title = "several lines, in one buffer";
    wanted = test_str(all);
    wanted.len = cors_vary_missing(test_str("accept"), wanted, buffer,
                                   sizeof(buffer));
    wanted.ptr = buffer;
    CHECK(test_same(wanted, all));
    wanted.len = cors_vary_missing(test_str("Origin"), wanted, buffer,
                                   sizeof(buffer));
    CHECK(test_same(wanted, "access-control-request-method, "
                            "access-control-request-headers"));
    wanted.len = cors_vary_missing(
        test_str("accept, Access-Control-Request-Headers"), wanted, buffer,
        sizeof(buffer));
    CHECK(test_same(wanted, "access-control-request-method"));
    wanted.len = cors_vary_missing(test_str("*"), wanted, buffer,
                                   sizeof(buffer));
    CHECK(wanted.len == 0 && buffer[0] == '\0');

    test_title = "no room: nothing is written";
    memset(buffer, 'x', sizeof(buffer));
    CHECK(cors_vary_missing(test_str(NULL), test_str("origin"), buffer, 6)
          == 6);
    CHECK(buffer[0] == 'x');
    CHECK(cors_vary_missing(test_str(NULL), test_str("origin"), NULL, 99)
          == 6);
    CHECK(cors_vary_missing(test_str(NULL), test_str("origin"), buffer, 7)
          == 6);
    CHECK(strcmp(buffer, "origin") == 0 && buffer[7] == 'x');

    test_title = "what is too long is missing whole";
    memset(longer, 'a', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    CHECK(cors_vary_missing(test_str(longer), test_str(longer), room,
                            sizeof(room)) == CORS_VARY_MAX);
    CHECK(strcmp(room, longer) == 0);
    longer[CORS_VARY_MAX - 1] = '\0';
    CHECK(cors_vary_missing(test_str(longer), test_str(longer), room,
                            sizeof(room)) == 0);
}

int
main(void)
{
    test_size_of_0_1();
    test_members();
    test_owners();
    test_vary();
    return test_end();
}
