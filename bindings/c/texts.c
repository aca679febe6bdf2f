// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What people read: cors_explain, and the names of numbers.

#include "test.h"

#include <limits.h>

#define APP  "https://app.example.com"

static const char  JSON[] =
    "{\"allow_origins\": [\"" APP "\"], \"allow_headers\": [\"X-Token\"]}";

static void
test_names(void)
{
    int                       i;
    const char               *date;
    static const int          unknown[] = { -1, 7, 99, INT_MAX, INT_MIN };
    static const char *const  verdicts[] = {
        "not_cors", "allowed", "refused", "preflight_allowed",
        "preflight_refused",
        "same_origin", "blocked",
    };
    static const char *const  reasons[] = {
        "none", "origin_not_allowed", "origin_malformed",
        "method_not_allowed", "method_malformed", "header_not_allowed",
        "headers_malformed", "cross_site",
    };

    test_title = "verdicts and reasons have the names of the design";
    for (i = 0; i <= CORS_VERDICT_BLOCKED; i++) {
        CHECK(strcmp(cors_verdict_text(i), verdicts[i]) == 0);
    }
    for (i = 0; i <= CORS_REASON_CROSS_SITE; i++) {
        CHECK(strcmp(cors_reason_text(i), reasons[i]) == 0);
    }

    test_title = "each status has words of its own";
    for (i = 0; i <= CORS_ERROR_INTERNAL; i++) {
        CHECK(cors_status_text(i)[0] != '\0');
        CHECK(i == 0
              || strcmp(cors_status_text(i), cors_status_text(i - 1)) != 0);
    }

    test_title = "a number of a later version has a text too";
    for (i = 0; i < CAST(int, COUNT(unknown)); i++) {
        const char  *texts[] = {
            cors_status_text(unknown[i]),
            cors_verdict_text(unknown[i]),
            cors_reason_text(unknown[i]),
        };
        size_t       k;

        for (k = 0; k < COUNT(texts); k++) {
            CHECK(texts[k] != NULL && texts[k][0] != '\0');
        }
    }

    test_title = "the version is bare, and the header's";
    CHECK(strcmp(cors_version(), CORS_VERSION) == 0);
    CHECK(strspn(cors_version(), "0123456789.") == strlen(cors_version()));

    test_title = "the public suffix list has a date, and always the same one";
    date = cors_public_suffix_list_date();
    CHECK(strlen(date) == 10 && date[4] == '-' && date[7] == '-');
    CHECK(strspn(date, "0123456789-") == 10);
    CHECK(strcmp(date, "2026-10-22") >= 0 && strcmp(date, "2100") < 0);
    CHECK(cors_public_suffix_list_date() == date);
}

// Every byte that a request can hold, in every string of it.
static void
test_printable(const cors_policy *policy)
{
    int           member;
    size_t        i, len;
    char          bytes[256 + 16];
    static char   text[TEST_TEXT_MAX];
    cors_request  request = CORS_REQUEST_INIT;
    cors_str      all = ABSENT;

    test_title = "an explanation is one line of printable ASCII";
    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = CAST(char, i % 256);
    }
    all.ptr = bytes;
    all.len = sizeof(bytes);
    for (member = 0; member < 5; member++) {
        request.method = member == 0 ? all : test_str("OPTIONS");
        request.origin = member == 1 ? all : test_str(APP);
        request.request_method = member == 2 ? all : test_str("PUT");
        request.request_headers = member == 3 ? all : test_str("x-\x80");
        len = cors_explain(policy, &request, text, sizeof(text));
        CHECK(len != 0 && len < sizeof(text));
        CHECK(strlen(text) == len);
        for (i = 0; i < len; i++) {
            CHECK(text[i] >= 0x20 && text[i] <= 0x7E);
        }
    }
}

// As snprintf: the length of all of it, as much of it as fits, a NUL.
static void
test_capacity(const cors_policy *policy)
{
    size_t        capacity, i, len, fits;
    static char   whole[TEST_TEXT_MAX], part[TEST_TEXT_MAX];
    cors_request  request = CORS_REQUEST_INIT;

    test_title = "an explanation is cut as snprintf cuts";
    request.method = test_str("GET");
    request.origin = test_str("https://evil.example.org");
    len = cors_explain(policy, &request, NULL, 0);
    CHECK(len != 0 && len < sizeof(whole) - 8);
    CHECK(cors_explain(policy, &request, whole, sizeof(whole)) == len);
    CHECK(strlen(whole) == len);
    CHECK(strstr(whole, "https://evil.example.org") != NULL);
    for (capacity = 0; capacity < len + 8; capacity++) {
        memset(part, 'Z', sizeof(part));
        CHECK(cors_explain(policy, &request, part, capacity) == len);
        if (capacity != 0) {
            fits = capacity - 1 < len ? capacity - 1 : len;
            CHECK(memcmp(part, whole, fits) == 0);
            CHECK(part[fits] == '\0');
        }
        for (i = capacity; i < capacity + 8; i++) {
            CHECK(part[i] == 'Z');
        }
    }
}

static void
test_nothing_to_explain(const cors_policy *policy)
{
    char          text[8] = "before";
    cors_request  request = CORS_REQUEST_INIT;

    test_title = "where nothing can be decided the text is empty";
    CHECK(cors_explain(NULL, &request, text, sizeof(text)) == 0);
    CHECK(text[0] == '\0');
    text[0] = 'b';
    CHECK(cors_explain(policy, NULL, text, sizeof(text)) == 0);
    CHECK(text[0] == '\0');
    text[0] = 'b';
    CHECK(cors_explain(NULL, NULL, text, 0) == 0);
    CHECK(text[0] == 'b');
    CHECK(cors_explain(NULL, NULL, NULL, 0) == 0);

    test_title = "an empty request can be explained";
    CHECK(cors_explain(policy, &request, NULL, 0) != 0);
}

// Everything that a decision can say has words that differ.
static void
test_each_reason(const cors_policy *policy)
{
    size_t  i, k;
    static const char *const  requests[][4] = {
        { "GET", NULL, NULL, NULL },
        { "GET", APP, NULL, NULL },
        { "GET", "https://evil.example.org", NULL, NULL },
        { "GET", "@", NULL, NULL },
        { "OPTIONS", APP, "POST", "x-token" },
        { "OPTIONS", "https://evil.example.org", "POST", NULL },
        { "OPTIONS", "@", "POST", NULL },
        { "OPTIONS", APP, "PURGE", NULL },
        { "OPTIONS", APP, "@", NULL },
        { "OPTIONS", APP, "POST", "x-evil" },
        { "OPTIONS", APP, "POST", "@" },
    };
    static char   texts[COUNT(requests)][1024];
    cors_request  request = CORS_REQUEST_INIT;

    test_title = "each kind of decision is explained in its own words";
    for (i = 0; i < COUNT(requests); i++) {
        request.method = test_str(requests[i][0]);
        request.origin = test_str(requests[i][1]);
        request.request_method = test_str(requests[i][2]);
        request.request_headers = test_str(requests[i][3]);
        CHECK(cors_explain(policy, &request, texts[i], sizeof(texts[i])) != 0);
        for (k = 0; k < i; k++) {
            CHECK(strcmp(texts[i], texts[k]) != 0);
        }
    }
    CHECK(strstr(texts[7], "PURGE") != NULL);
    CHECK(strstr(texts[9], "x-evil") != NULL);
}

int
main(void)
{
    cors_policy  *policy = test_load(JSON);

    test_names();
    test_printable(policy);
    test_capacity(policy);
    test_nothing_to_explain(policy);
    test_each_reason(policy);
    cors_policy_free(policy);
    return test_end();
}
