// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a policy may not say: each diagnostic has its code, which programs may
// compare, its place, and where there is one the fix.

#include "report.h"

// Line and column, in characters, of the first `what` in `json`.
static void
place_of(const char *json, const char *what, uint32_t *line, uint32_t *column)
{
    const char  *at = strstr(json, what);

    *line = 1;
    *column = 1;
    if (!CHECK(at != NULL)) {
        return;
    }
    for (; json < at; json++) {
        if (*json == '\n') {
            *line += 1;
            *column = 1;
        } else if ((CAST(unsigned char, *json) & 0xC0) != 0x80) {
            *column += 1;
        }
    }
}

// A policy with one thing wrong; `at` is the text where that stands, `help`
// is a part of the fix.
typedef struct fault {
    const char  *title;
    const char  *json;
    const char  *at;
    const char  *pointer;
    const char  *code;
    int32_t      severity;
    const char  *help;
} fault;

#define ERROR    CORS_SEVERITY_ERROR
#define WARNING  CORS_SEVERITY_WARNING

#define ORIGIN(origin)  "{\"allow_origins\": [\"" origin "\"]}"
#define CREDENTIALS(origin)                                                  \
    "{\"allow_credentials\": true, \"allow_origins\": [\"" origin "\"]}"

static const fault  faults[] = {
    // The text.
    { "a byte that is not UTF-8", WITH("\n\"description\": \"\xC3(\""),
      "\xC3(", "", "json-encoding", ERROR, NULL },
    { "a comma too many", WITH("\n\"max_age\": 1,"), NULL, "",
      "json-syntax", ERROR, NULL },
    { "half a surrogate pair", WITH("\"description\": \"\\ud800\""),
      "\"\\ud800", "/description", "json-encoding", ERROR, NULL },
    { "an escaped NUL", WITH("\"description\":\n\"\\u0000\""),
      "\"\\u0000", "/description", "json-nul", ERROR, NULL },
    { "nested too deep", WITH("\"max_age\": [[[[[[[[0]]]]]]]]"), "[[[",
      "/max_age", "json-nesting", ERROR, NULL },
    { "no origins key", "{\"max_age\": 5}", NULL, "", "missing-key", ERROR,
      "allow_origins" },
    { "an unknown key, and the nearest known one",
      WITH("\n\"alow_methods\": []"), "\"alow_methods\"", "/alow_methods",
      "unknown-key", ERROR, "allow_methods" },
    { "a key with slash and tilde", WITH("\"a/b~c\": 1"), "\"a/b~c\"",
      "/a~1b~0c", "unknown-key", ERROR, NULL },
    { "a key with control characters",
      WITH("\"a\\n\\u001b[31m\\u0085\\u007f\": 1"), "\"a\\n", NULL,
      "unknown-key", ERROR, NULL },
    { "an unknown switch", WITH("\"dangerously_allow\": {\"all\": true}"),
      "\"all\"", "/dangerously_allow/all", "unknown-key", ERROR, NULL },
    { "a key twice", WITH("\"max_age\": 5,\n \"max\\u005fage\": 6"),
      "\"max\\u005fage", "/max_age", "duplicate-key", ERROR, NULL },
    { "a wrong type", WITH("\"max_age\": \"600\""), "\"600\"", "/max_age",
      "wrong-type", ERROR, NULL },
    { "a wrong type in a list", WITH("\"allow_methods\": [\"PUT\", 1]"),
      "1]", "/allow_methods/1", "wrong-type", ERROR, NULL },
    { "a number that is too large", WITH("\"max_age\": 86401"), "86401",
      "/max_age", "max-age-range", ERROR, NULL },
    { "a number below zero", WITH("\"max_age\": -1"), "-1", "/max_age",
      "max-age-range", ERROR, NULL },
    { "a fraction", WITH("\"max_age\": 1.5"), "1.5", "/max_age",
      "wrong-type", ERROR, NULL },
    { "a status that is neither 200 nor 204",
      WITH("\"preflight_status\": 202"), "202", "/preflight_status",
      "preflight-status", ERROR, NULL },

    // One origin.
    { "a trailing slash, behind characters of several bytes",
      "{\n  \"description\": \"caf\xC3\xA9 \xE2\x82\xAC\", \"allow_origins\":"
      " [\"" APP "\", \"https://a.example/\"]\n}",
      "\"https://a.example/\"", "/allow_origins/1", "origin-trailing-slash",
      ERROR, "https://a.example" },
    { "a path", ORIGIN("https://a.example/b"), "\"https://a",
      "/allow_origins/0", "origin-path", ERROR, "https://a.example" },
    { "capitals", "{\"allow_origins\": [\n\"https://A.example\"]}",
      "\"https://A", "/allow_origins/0", "origin-case", ERROR,
      "https://a.example" },
    { "no scheme", ORIGIN("a.example"), "\"a.ex", "/allow_origins/0",
      "origin-scheme-missing", ERROR, "https://a.example" },
    { "the default port", ORIGIN("https://a.example:443"), "\"https://a",
      "/allow_origins/0", "origin-default-port", ERROR,
      "https://a.example" },
    { "a Unicode host", ORIGIN("https://b\xC3\xBC" "cher.example"),
      "\"https://b", "/allow_origins/0", "origin-unicode", ERROR,
      "https://xn--bcher-kva.example" },
    { "an empty origin", ORIGIN(""), "\"\"]", "/allow_origins/0",
      "origin-empty", ERROR, NULL },
    { "a user name", ORIGIN("https://a@a.example"), "\"https://a",
      "/allow_origins/0", "origin-userinfo", ERROR, "https://a.example" },
    { "two in one", ORIGIN("https://a.example, https://b.example"),
      "\"https://a", "/allow_origins/0", "origin-several", ERROR, NULL },
    { "a port that is none", ORIGIN("https://a.example:x"), "\"https://a",
      "/allow_origins/0", "origin-port", ERROR, NULL },
    { "a regular expression", ORIGIN("^https://.*\\\\.example$"), "\"^",
      "/allow_origins/0", "origin-regex", ERROR, NULL },
    { "control characters", ORIGIN("https://a\\n\\u001b\\u0085.example"),
      "\"https://a", "/allow_origins/0", NULL, ERROR, NULL },
    { "a local file", ORIGIN("file://"), "\"file", "/allow_origins/0",
      "origin-file", ERROR, NULL },
    { "a wildcard scheme", ORIGIN("capacitor://*.example.com"), "\"cap",
      "/allow_origins/0", "origin-wildcard-scheme", ERROR, NULL },
    { "a wildcard address", ORIGIN("https://192.168.0.*"), "\"https",
      "/allow_origins/0", NULL, ERROR, NULL },
    { "two wildcard labels", ORIGIN("https://*.*.example.com"), "\"https",
      "/allow_origins/0", "origin-wildcard-labels", ERROR, NULL },
    { "a wildcard on the right", ORIGIN("https://example.*"), "\"https",
      "/allow_origins/0", "origin-wildcard-last", ERROR, NULL },
    { "** inside the host", ORIGIN("https://a.**.example.com"), "\"https",
      "/allow_origins/0", "origin-double-star", ERROR, NULL },
    { "adjacent asterisks", ORIGIN("https://a**.example.com"), "\"https",
      "/allow_origins/0", "origin-double-star", ERROR, NULL },
    { "four asterisks", ORIGIN("https://*a*b*c*.example.com"), "\"https",
      "/allow_origins/0", "origin-stars", ERROR, NULL },
    { "a final dot", ORIGIN("https://*.example.com."), "\"https",
      "/allow_origins/0", "origin-wildcard-dot", ERROR, NULL },

    // What origins come to.
    { "no origins", "{\"allow_origins\": []}", "[]", "/allow_origins",
      "origins-empty", ERROR, NULL },
    { "* beside another origin",
      "{\"allow_origins\": [\"" APP "\", \"*\"]}", "\"*\"",
      "/allow_origins/1", "origins-any-not-alone", ERROR, NULL },
    { "* with credentials", CREDENTIALS("*"), "\"*\"", "/allow_origins/0",
      "origin-any-credentials", ERROR, NULL },
    { "null without its switch", ORIGIN("null"), "\"null\"",
      "/allow_origins/0", "origin-null", ERROR, "null_origin" },
    { "null with credentials", CREDENTIALS("null"), "\"null\"",
      "/allow_origins/0", "origin-null-credentials", ERROR, NULL },
    { "http with credentials", CREDENTIALS("http://a.example"),
      "\"http://a", "/allow_origins/0", "origin-insecure", ERROR,
      "https://a.example" },
    { "http without", ORIGIN("http://a.example"), "\"http://a",
      "/allow_origins/0", "origin-insecure", WARNING, NULL },
    { "what only looks like loopback",
      CREDENTIALS("http://localhost.evil.example"), "\"http://l",
      "/allow_origins/0", "origin-insecure", ERROR, NULL },
    { "loopback with credentials", CREDENTIALS("http://localhost:*"),
      "\"http://l", "/allow_origins/0", "origin-loopback", WARNING, NULL },
    { "a wildcard over a public suffix", CREDENTIALS("https://*.com"),
      "\"https", "/allow_origins/0", "origin-public-suffix", ERROR,
      "public_suffix_wildcards" },
    { "the same without credentials", ORIGIN("https://**.github.io"),
      "\"https", "/allow_origins/0", "origin-public-suffix", WARNING, NULL },
    { "an origin twice",
      "{\"allow_origins\": [\"" APP "\",\n\"" APP "\"]}", "\"" APP "\"]",
      "/allow_origins/1", "duplicate", WARNING, NULL },
    { "an origin that a wildcard covers",
      "{\"allow_origins\": [\"https://*.example.com\", \"" APP "\"]}",
      "\"" APP, "/allow_origins/1", "origin-covered", WARNING, NULL },
    { "a switch that nothing needs",
      WITH("\"dangerously_allow\": {\"null_origin\": true}"), "true",
      "/dangerously_allow/null_origin", "danger-unneeded", WARNING, NULL },

    // Methods and headers.
    { "* beside another method", WITH("\"allow_methods\": [\"*\", \"PUT\"]"),
      "\"*\"", "/allow_methods/0", "methods-any-not-alone", ERROR, NULL },
    { "not a method", WITH("\"allow_methods\": [\"PUT,GET\"]"), "\"PUT",
      "/allow_methods/0", "method-malformed", ERROR, NULL },
    { "TRACE", WITH("\"allow_methods\": [\"TRACE\"]"), "\"TRACE\"",
      "/allow_methods/0", "method-forbidden", ERROR, NULL },
    { "put in lower case", WITH("\"allow_methods\": [\"put\"]"), "\"put\"",
      "/allow_methods/0", "method-case", ERROR, "PUT" },
    { "patch in lower case", WITH("\"allow_methods\": [\"patch\"]"),
      "\"patch\"", "/allow_methods/0", "method-case", WARNING, "PATCH" },
    { "not a header name", WITH("\"allow_headers\": [\"x a\"]"), "\"x a\"",
      "/allow_headers/0", "header-malformed", ERROR, NULL },
    { "a forbidden request header", WITH("\"allow_headers\": [\"Cookie\"]"),
      "\"Cookie\"", "/allow_headers/0", "header-forbidden", WARNING,
      "allow_credentials" },
    { "a forbidden response header",
      WITH("\"expose_headers\": [\"Set-Cookie\"]"), "\"Set-Cookie\"",
      "/expose_headers/0", "header-forbidden", ERROR, NULL },
    { "a CORS header",
      WITH("\"allow_headers\": [\"Access-Control-Allow-Origin\"]"),
      "\"Access", "/allow_headers/0", "header-cors", ERROR, NULL },
    { "a header that * covers",
      WITH("\"allow_headers\": [\"*\", \"X-A\"]"), "\"X-A\"",
      "/allow_headers/1", "header-covered", WARNING, NULL },
    { "a header twice", WITH("\"allow_headers\": [\"x-a\", \"X-A\"]"),
      "\"X-A\"", "/allow_headers/1", "duplicate", WARNING, NULL },
    { "* beside another exposed header",
      WITH("\"expose_headers\": [\"*\", \"x-a\"]"), "\"*\"",
      "/expose_headers/0", "expose-any-not-alone", ERROR, NULL },
    { "* exposed with credentials",
      WITH("\"allow_credentials\": true, \"expose_headers\": [\"*\"]"),
      "\"*\"", "/expose_headers/0", "expose-any-credentials", ERROR, NULL },
};

static void
test_fault(const fault *expected)
{
    uint32_t  line, column;

    test_title = expected->title;
    load(expected->json);
    if (!CHECK(calls == 1)) {
        return;
    }
    CHECK(reports[0].severity == expected->severity);
    if (expected->code != NULL) {
        CHECK(strcmp(reports[0].code, expected->code) == 0);
    }
    if (expected->pointer != NULL) {
        CHECK(strcmp(reports[0].pointer, expected->pointer) == 0);
    }
    if (expected->at != NULL) {
        place_of(expected->json, expected->at, &line, &column);
        CHECK(reports[0].line == line);
        CHECK(reports[0].column == column);
    }
    if (expected->help != NULL) {
        CHECK(strstr(reports[0].help, expected->help) != NULL);
    }
}

int
main(void)
{
    size_t  i;

    for (i = 0; i < COUNT(faults); i++) {
        test_fault(&faults[i]);
    }
    return test_end();
}
