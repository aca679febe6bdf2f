// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What came after 0.1: a request that is as small as it was then, also where a
// policy blocks requests, owners of a policy, and what is missing in a Vary.

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

static bool
is_blocked(const cors_decision *decision)
{
    return decision->verdict == CORS_VERDICT_BLOCKED && decision->status == 403
           && decision->header_count == 2
           && test_same(decision->headers[0].name, "vary")
           && test_same(decision->headers[0].value, "origin")
           && test_same(decision->headers[1].name, "cache-control")
           && test_same(decision->headers[1].value, "no-store");
}

// A program of 0.1 must not believe that it is guarded: it learns of the
// failure, and a request that may be one to block is blocked, even from an
// origin that the policy allows.
static void
test_block_needs_the_members(void)
{
    static const char  both[] = "{\"allow_origins\": [\"" APP "\"],"
                                " \"block\": [\"unsafe_methods\","
                                " \"websockets\"]}";
    static const char  methods[] = "{\"allow_origins\": [\"" APP "\"],"
                                   " \"block\": [\"unsafe_methods\"]}";
    static const char  none[] = "{\"allow_origins\": [\"" APP "\"],"
                                " \"block\": []}";
    static const struct {
        const char  *json, *method;
        bool         blocked;
    }       rows[] = {
        { both, "POST", true },
        { both, "post", true },
        { both, "", true },
        { both, NULL, true },
        // Without `upgrade`, it may open a WebSocket.
        { both, "GET", true },
        { both, "OPTIONS", true },
        { both, "HEAD", false },
        { methods, "DELETE", true },
        { methods, NULL, true },
        { methods, "GET", false },
        { methods, "OPTIONS", false },
        { methods, "HEAD", false },
    };
    size_t         i, size;
    cors_policy   *policy;
    cors_request   request;
    cors_decision  decision;

    for (i = 0; i < COUNT(rows); i++) {
        policy = test_load(rows[i].json);
        request = asked();
        request.method = test_str(rows[i].method);

        test_title = "a request without upgrade, of a policy with block";
        for (size = SIZE_0_1; size < offsetof(cors_request, scheme); size++) {
            request.size = size;
            memset(&decision, 0xA5, sizeof(decision));
            decision.size = sizeof(decision);
            CHECK(cors_evaluate(policy, &request, &decision)
                  == CORS_ERROR_ARGUMENT);
            CHECK(rows[i].blocked ? is_blocked(&decision)
                                  : test_denies(&decision));
            CHECK(cors_explain(policy, &request, NULL, 0) == 0);
        }

        test_title = "a request with upgrade, of a policy with block";
        for (; size <= sizeof(request); size++) {
            request.size = size;
            CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
            CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
        }
        cors_policy_free(policy);
    }

    test_title = "a request of 0.1, of a policy whose block is empty";
    policy = test_load(none);
    request = asked();
    request.size = SIZE_0_1;
    request.method = test_str("POST");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
    cors_policy_free(policy);
}

// A member of which the size covers only a part is absent: its length could
// be any.
static void
test_half_a_member(void)
{
    cors_policy    *policy = test_load("{\"allow_origins\": [\"" APP "\"]}");
    cors_request    request = asked();
    cors_decision   decision = CORS_DECISION_INIT;

    test_title = "a size that ends within a member";
    request.origin = test_str("http://site.example");
    request.host = test_str("site.example");
    request.fetch_site = test_str("cross-site");
    for (request.size = offsetof(cors_request, fetch_site);
         request.size < offsetof(cors_request, upgrade); request.size++)
    {
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_SAME_ORIGIN);
    }
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_REFUSED);
    cors_policy_free(policy);
}

// None of them has an effect on an origin that the policy allows; each has one
// on others.
static void
test_members(void)
{
    static const char  blocks[] = "{\"allow_origins\": [\"" APP "\"],"
                                  " \"block\": [\"websockets\"]}";
    cors_policy   *policy = test_load(blocks);
    cors_request   request = asked();
    cors_decision  decision = CORS_DECISION_INIT;

    test_title = "the members since 0.2";
    request.host = test_str("site.example");
    request.fetch_site = test_str("cross-site");
    request.upgrade = test_str("websocket");
    request.scheme = test_str("https");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_ALLOWED);

    test_title = "the members since 0.2, of an origin that is not allowed";
    request.origin = test_str("http://site.example");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(is_blocked(&decision));
    CHECK(decision.reason == CORS_REASON_ORIGIN_NOT_ALLOWED);
    request.fetch_site = test_str("same-origin");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(is_blocked(&decision));
    request.upgrade = test_str(NULL);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_SAME_ORIGIN);
    request.upgrade = test_str("websocket");
    request.fetch_site = test_str(NULL);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(is_blocked(&decision));
    request.scheme = test_str("http");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_SAME_ORIGIN);
    request.host = test_str("site.example:81");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(is_blocked(&decision));
    request.upgrade = test_str("h2c");
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    CHECK(decision.verdict == CORS_VERDICT_REFUSED && decision.status == 0);
    cors_policy_free(policy);
}

// A person may see it, on a line of its own.
static void
test_body(void)
{
    static const char  body[] = CORS_BLOCKED_BODY;

    test_title = "the body of a blocked request's response";
    CHECK(strlen(body) == sizeof(body) - 1 && strlen(body) > 20);
    CHECK(strchr(body, '\n') == body + sizeof(body) - 2);
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
    test_block_needs_the_members();
    test_members();
    test_half_a_member();
    test_body();
    test_owners();
    test_vary();
    return test_end();
}
