// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Requests that are not preflights: without Origin, from an allowed origin,
// from another one, from none.

#include "behaviour.h"

static const row  rows[] = {
    // Not CORS: no Origin.
    { "a request without Origin varies by it", FULL, "GET", NULL, NULL, NULL,
      NOT_CORS(VARY, NULL) },
    { "OPTIONS without Origin varies by all three", FULL, "OPTIONS", NULL,
      NULL, NULL, NOT_CORS(VARY_ALL, NULL) },
    { "without Origin a requested method makes no preflight", FULL, "OPTIONS",
      NULL, "PUT", "x-token", NOT_CORS(VARY_ALL, NULL) },
    { "a request without a method and Origin", FULL, NULL, NULL, NULL, NULL,
      NOT_CORS(VARY, NULL) },

    // Actual requests.
    { "an allowed origin gets itself and the exposed headers", FULL, "GET",
      APP, NULL, NULL, ALLOWED(ACAO(APP) FULL_ACEH VARY, APP) },
    { "a bare policy sends the origin alone", BARE, "POST", APP, NULL, NULL,
      ALLOWED(ACAO(APP) VARY, APP) },
    { "credentials come right after the origin", CREDENTIALS, "GET", APP,
      NULL, NULL, ALLOWED(ACAO(APP) ACAC ACEH("x-total") VARY, APP) },
    { "a wildcard echoes the origin and names the pattern", FULL, "GET",
      "https://a.example.net", NULL, NULL,
      ALLOWED(ACAO("https://a.example.net") FULL_ACEH VARY,
              "https://*.example.net") },
    { "two asterisks take several labels", FULL, "GET",
      "https://a.b.deep.example.net", NULL, NULL,
      ALLOWED(ACAO("https://a.b.deep.example.net") FULL_ACEH VARY,
              "https://**.deep.example.net") },
    { "any port of localhost", FULL, "GET", "http://localhost:5173", NULL,
      NULL, ALLOWED(ACAO("http://localhost:5173") FULL_ACEH VARY,
                    "http://localhost:*") },
    { "any port means none as well", FULL, "GET", "http://localhost", NULL,
      NULL, ALLOWED(ACAO("http://localhost") FULL_ACEH VARY,
                    "http://localhost:*") },
    { "the method of an actual request is not checked", BARE, "DELETE", APP,
      NULL, NULL, ALLOWED(ACAO(APP) VARY, APP) },
    { "not even one that is never allowed", BARE, "TRACE", APP, NULL, NULL,
      ALLOWED(ACAO(APP) VARY, APP) },
    { "preflight headers mean nothing outside OPTIONS", BARE, "GET", APP,
      "DELETE", "x-evil, @", ALLOWED(ACAO(APP) VARY, APP) },
    { "OPTIONS without a requested method is an actual request", FULL,
      "OPTIONS", APP, NULL, "x-evil",
      ALLOWED(ACAO(APP) FULL_ACEH VARY_ALL, APP) },
    { "an absent method is not OPTIONS", BARE, NULL, APP, "PUT", NULL,
      ALLOWED(ACAO(APP) VARY, APP) },
    { "an empty method is not OPTIONS", BARE, "", APP, "PUT", NULL,
      ALLOWED(ACAO(APP) VARY, APP) },
    { "options in lower case is not OPTIONS", BARE, "options", APP, "PUT",
      NULL, ALLOWED(ACAO(APP) VARY, APP) },
    { "another origin is refused and gets Vary", FULL, "GET", OTHER, NULL,
      NULL, REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "OPTIONS from another origin varies by all three", FULL, "OPTIONS",
      OTHER, NULL, NULL, REFUSED(ORIGIN_NOT_ALLOWED, VARY_ALL) },
    { "null is an origin that few policies name", FULL, "GET", "null", NULL,
      NULL, REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "null can be named", NULL_ORIGIN, "GET", "null", NULL, NULL,
      ALLOWED(ACAO("null") VARY, "null") },
    { "Null is malformed", NULL_ORIGIN, "GET", "Null", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "the parent domain is not its wildcard", FULL, "GET",
      "https://example.net", NULL, NULL, REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "one asterisk does not cross a dot", FULL, "GET",
      "https://a.b.example.net", NULL, NULL,
      REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "a look-alike suffix", FULL, "GET", "https://evilexample.net", NULL,
      NULL, REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "a look-alike prefix", FULL, "GET", APP ".evil.org", NULL, NULL,
      REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "another scheme", FULL, "GET", "http://app.example.com", NULL, NULL,
      REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "another port", FULL, "GET", APP ":8443", NULL, NULL,
      REFUSED(ORIGIN_NOT_ALLOWED, VARY) },
    { "a final dot is another host", FULL, "GET", APP ".", NULL, NULL,
      REFUSED(ORIGIN_NOT_ALLOWED, VARY) },

    // What is no origin.
    { "an empty Origin", FULL, "GET", "", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "two origins", FULL, "GET", APP "," APP, NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "two origins with a space", FULL, "GET", APP " " APP, NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a trailing slash", FULL, "GET", APP "/", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "the default port written out", FULL, "GET", APP ":443", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a port of zero", FULL, "GET", "http://localhost:0", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a port with a leading zero", FULL, "GET", "http://localhost:08", NULL,
      NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a port that is too high", FULL, "GET", "http://localhost:65536", NULL,
      NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "upper case", FULL, "GET", "https://APP.example.com", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a user before the host", FULL, "GET", "https://a@app.example.com",
      NULL, NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "an empty label", FULL, "GET", "https://a..example.net", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a host that is a number", FULL, "GET", "https://2130706433", NULL,
      NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a byte of another alphabet", FULL, "GET", "https://\xC3\xA9.example",
      NULL, NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "a response-splitting Origin", FULL, "GET", APP "\r\nx-a: b", NULL,
      NULL, REFUSED(ORIGIN_MALFORMED, VARY) },
    { "OPTIONS with a malformed Origin", FULL, "OPTIONS", "@", NULL, NULL,
      REFUSED(ORIGIN_MALFORMED, VARY_ALL) },

    // The policy `*`.
    { "any origin, whoever asks", ANY, "GET", APP, NULL, NULL,
      ALLOWED(ACAO("*") ACEH("*"), "*") },
    { "any origin for OPTIONS", ANY, "OPTIONS", APP, NULL, NULL,
      ALLOWED(ACAO("*") ACEH("*") VARY_ALL, "*") },
    { "any origin for null", ANY, "GET", "null", NULL, NULL,
      ALLOWED(ACAO("*") ACEH("*"), "*") },
    { "any origin for a malformed one", ANY, "GET", "x y", NULL, NULL,
      ALLOWED(ACAO("*") ACEH("*"), "*") },
    { "the policy * answers the same without Origin", ANY, "GET", NULL, NULL,
      NULL, NOT_CORS(ACAO("*") ACEH("*"), "*") },
    { "OPTIONS without Origin under the policy *", ANY, "OPTIONS", NULL, NULL,
      NULL, NOT_CORS(ACAO("*") ACEH("*") VARY_ALL, "*") },
    { "any origin, nothing exposed", ANY_BARE, "GET", APP, NULL, NULL,
      ALLOWED(ACAO("*"), "*") },

    // Which pattern is named.
    { "the exact pattern, although it is last", ORDER, "GET",
      "https://a.example.com", NULL, NULL,
      ALLOWED(ACAO("https://a.example.com") VARY, "https://a.example.com") },
    { "the first wildcard in the file", ORDER, "GET",
      "https://ab.example.com", NULL, NULL,
      ALLOWED(ACAO("https://ab.example.com") VARY,
              "https://**.example.com") },
};

// Under the policy `*` no Origin may get other bytes than another, or than
// none: whoever sends it could fill a cache with the worse answer.
static void
check_any_origin(const char *method)
{
    size_t             i;
    static const char *origins[] = {
        APP, "null", "", "x y", APP "," APP, APP "/", "\x01", "file://",
    };
    static char        first[TEST_TEXT_MAX], text[TEST_TEXT_MAX];
    cors_policy       *policy = test_load(ANY);
    cors_request       request = CORS_REQUEST_INIT;
    cors_decision      decision = CORS_DECISION_INIT;

    test_title = "the policy * answers every Origin with the same bytes";
    request.method = test_str(method);
    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    test_render(&decision, first);
    for (i = 0; i < COUNT(origins); i++) {
        request.origin = test_str(origins[i]);
        CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
        CHECK(decision.verdict == CORS_VERDICT_ALLOWED);
        CHECK(decision.status == 0);
        test_render(&decision, text);
        CHECK(strcmp(text, first) == 0);
    }
    cors_policy_free(policy);
}

int
main(void)
{
    check_rows(rows, COUNT(rows));
    check_any_origin("GET");
    check_any_origin("OPTIONS");
    return test_end();
}
