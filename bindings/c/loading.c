// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loading a policy from memory: what is a text, what is too much of one, and
// how often the diagnostic function is called.

#include "report.h"

#include <sys/mman.h>

static void
test_arguments(void)
{
    cors_policy  *policy = CAST(cors_policy *, CAST(void *, reports));

    test_title = "NULL and lengths that cannot be";
    CHECK(cors_policy_load(GOOD, sizeof(GOOD) - 1, NULL, NULL, NULL)
          == CORS_ERROR_ARGUMENT);
    CHECK(cors_policy_load(NULL, 1, NULL, NULL, &policy)
          == CORS_ERROR_ARGUMENT);
    CHECK(policy == NULL);
    policy = CAST(cors_policy *, CAST(void *, reports));
    CHECK(cors_policy_load(GOOD, SIZE_MAX, NULL, NULL, &policy)
          == CORS_ERROR_ARGUMENT);
    CHECK(policy == NULL);

    test_title = "NULL with length 0 is an empty text";
    CHECK(load_bytes(NULL, 0) == CORS_ERROR_POLICY);
    CHECK(load("") == CORS_ERROR_POLICY);
}

// What a vector cannot hold, as JSON texts are UTF-8 and end where they end.
static void
test_texts(void)
{
    size_t  i;
    static const char *const  bad[] = {
        "\xFF\xFE{", "\xC3", WITH("\"description\": \"\xFF\""),
        WITH("\"description\": \"\xED\xA0\x80\""),
        WITH("\"max_age\": 1e400"),
    };

    for (i = 0; i < COUNT(bad); i++) {
        test_title = bad[i];
        CHECK(load(bad[i]) == CORS_ERROR_POLICY);
    }

    test_title = "a byte order mark is skipped";
    CHECK(load("\xEF\xBB\xBF" GOOD) == CORS_OK && calls == 0);
    CHECK(load("\xEF\xBB\xBF") == CORS_ERROR_POLICY);

    test_title = "the text ends where its length says, not at a NUL";
    CHECK(load_bytes(GOOD, sizeof(GOOD)) == CORS_ERROR_POLICY);
    CHECK(load_bytes(GOOD, sizeof(GOOD) - 2) == CORS_ERROR_POLICY);
}

// Line and column, in characters; the texts are one printable line each, as
// report.h checks.
static void
test_places(void)
{
    test_title = "a syntax error has its place";
    CHECK(load("{\n  \"allow_origins\": [}\n") == CORS_ERROR_POLICY);
    CHECK(calls == 1 && reports[0].line == 2 && reports[0].column == 21);

    test_title = "a byte that is not UTF-8 has its place";
    CHECK(load(WITH("\n\"description\": \"\xC3(\"")) == CORS_ERROR_POLICY);
    CHECK(calls == 1 && reports[0].line == 2 && reports[0].column == 17);
    CHECK(strcmp(reports[0].code, "json-encoding") == 0);

    test_title = "a trailing slash, behind characters of several bytes";
    CHECK(load("{\n \"description\": \"\xC3\xA9 \xE2\x82\xAC\", "
               "\"allow_origins\": [\"https://a.example/\"]}")
          == CORS_ERROR_POLICY);
    CHECK(calls == 1 && reports[0].line == 2 && reports[0].column == 42);
    CHECK(strcmp(reports[0].pointer, "/allow_origins/0") == 0);
    CHECK(strstr(reports[0].help, "https://a.example") != NULL);

    test_title = "control characters in a key and in an origin";
    CHECK(load(WITH("\"a\\n\\u001b[31m\\u0085\\u007f\": 1"))
          == CORS_ERROR_POLICY);
    CHECK(calls == 1 && strcmp(reports[0].code, "unknown-key") == 0);
    CHECK(load("{\"allow_origins\": [\"https://a\\n\\u001b\\u0085.example\"]}")
          == CORS_ERROR_POLICY);
    CHECK(calls == 1);
}

static void
test_bounds(void)
{
    void          *zeros;
    size_t         len = CAST(size_t, CORS_POLICY_MAX) + 1;
    static char    deep[100001];

    test_title = "a text that is nested too deep";
    memset(deep, '[', sizeof(deep) - 1);
    CHECK(load(deep) == CORS_ERROR_POLICY);
    CHECK(load("{\"a\":[[[[[[[[[]]]]]]]]]}") == CORS_ERROR_POLICY);

    // Pages of zeros that are never written take no memory.
    test_title = "a text that is too long";
    zeros = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (CHECK(zeros != MAP_FAILED)) {
        CHECK(load_bytes(CAST(char *, zeros), len) == CORS_ERROR_POLICY);
        CHECK(munmap(zeros, len) == 0);
    }
}

// A policy of `count` patterns, made by `format` from 0 upwards.
static cors_status
load_many(const char *before, const char *pattern, const char *after,
          bool numbered, unsigned count)
{
    static char  json[64 * 1024];
    size_t       used;
    unsigned     i;

    used = CAST(size_t, snprintf(json, sizeof(json), "{%s\"allow_origins\": [",
                                 before));
    for (i = 0; i < count; i++) {
        used += CAST(size_t, snprintf(json + used, sizeof(json) - used,
                                      "%s\"%s", i == 0 ? "" : ",", pattern));
        if (numbered) {
            used += CAST(size_t, snprintf(json + used, sizeof(json) - used,
                                          "%u", i));
        }
        used += CAST(size_t, snprintf(json + used, sizeof(json) - used,
                                      "%s\"", after));
    }
    snprintf(json + used, sizeof(json) - used, "]}");
    return load(json);
}

static void
test_many(void)
{
    unsigned  i;

    test_title = "a hundred calls at most, the last says how many more";
    CHECK(load_many("", "https://a", ".example/", true, 150)
          == CORS_ERROR_POLICY);
    CHECK(calls == CORS_DIAGNOSTICS_MAX);
    CHECK(strcmp(reports[99].code, "more") == 0);
    CHECK(strstr(reports[99].message, "51") != NULL);
    for (i = 0; i < 99; i++) {
        CHECK(strcmp(reports[i].code, "origin-trailing-slash") == 0);
    }

    test_title = "ninety-nine errors are all told";
    CHECK(load_many("", "https://a", ".example/", true, 99)
          == CORS_ERROR_POLICY);
    CHECK(calls == 99);
    CHECK(strcmp(reports[98].code, "more") != 0);

    test_title = "a hundred and fifty warnings do not refuse a policy";
    CHECK(load_many("", APP, "", false, 151) == CORS_OK);
    CHECK(calls == CORS_DIAGNOSTICS_MAX);
    CHECK(strcmp(reports[99].code, "more") == 0);
    CHECK(strstr(reports[99].message, "51") != NULL);

    test_title = "an error among warnings is told";
    CHECK(load_many("\"max_age\": -1, ", APP, "", false, 200)
          == CORS_ERROR_POLICY);
    CHECK(calls == CORS_DIAGNOSTICS_MAX);

    test_title = "all errors are told at once";
    CHECK(load("{\"allow_origins\": [\"https://A.example\"],"
               " \"allow_methods\": [\"put\"], \"max_age\": -1, \"x\": 0}")
          == CORS_ERROR_POLICY);
    CHECK(calls == 4 && errors == 4);
}

int
main(void)
{
    test_arguments();
    test_texts();
    test_places();
    test_bounds();
    test_many();
    return test_end();
}
