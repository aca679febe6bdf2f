// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Preflights: what passes, what is answered with 403, what a browser refuses
// itself because a method or header is missing from the answer.

#include "behaviour.h"

static const row  rows[] = {
    // Preflights that pass.
    { "a preflight gets the whole policy", FULL, "OPTIONS", APP, "PUT",
      "x-token",
      PREFLIGHT(204, ACAO(APP) FULL_ACAM FULL_ACAH ACMA("600") VARY_ALL,
                APP) },
    { "credentials, max_age 0 and status 200", CREDENTIALS, "OPTIONS", APP,
      "PUT", "content-type",
      PREFLIGHT(200, ACAO(APP) ACAC ACAM("GET,HEAD,POST,PUT")
                ACAH("content-type") ACMA("0") VARY_ALL, APP) },
    { "without max_age there is no header for it", BARE, "OPTIONS", APP,
      "POST", NULL,
      PREFLIGHT(204, ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "GET needs no permission", BARE, "OPTIONS", APP, "GET", NULL,
      PREFLIGHT(204, ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "HEAD needs no permission", BARE, "OPTIONS", APP, "HEAD", NULL,
      PREFLIGHT(204, ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "an empty header list asks for nothing", BARE, "OPTIONS", APP, "GET",
      "", PREFLIGHT(204, ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "commas alone ask for nothing", BARE, "OPTIONS", APP, "GET", ", ,\t,",
      PREFLIGHT(204, ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "header names in any case, order and spacing", FULL, "OPTIONS", APP,
      "DELETE", "\tX-TOKEN ,, content-type , x-token,",
      PREFLIGHT(204, ACAO(APP) FULL_ACAM FULL_ACAH ACMA("600") VARY_ALL,
                APP) },
    { "a wildcard's preflight", FULL, "OPTIONS", "https://a.example.net",
      "GET", NULL,
      PREFLIGHT(204, ACAO("https://a.example.net") FULL_ACAM FULL_ACAH
                ACMA("600") VARY_ALL, "https://*.example.net") },

    // Preflights that do not: 403 and Vary alone.
    { "a preflight from another origin", FULL, "OPTIONS", OTHER, "GET", NULL,
      REFUSED_403(ORIGIN_NOT_ALLOWED, NULL) },
    { "403 wherever preflight_status is 200", CREDENTIALS, "OPTIONS", OTHER,
      "GET", NULL, REFUSED_403(ORIGIN_NOT_ALLOWED, NULL) },
    { "a preflight from no origin", FULL, "OPTIONS", "x", "GET", NULL,
      REFUSED_403(ORIGIN_MALFORMED, NULL) },
    { "a preflight with an empty Origin", FULL, "OPTIONS", "", "GET", NULL,
      REFUSED_403(ORIGIN_MALFORMED, NULL) },
    { "an empty requested method is present, and malformed", FULL, "OPTIONS",
      APP, "", NULL, REFUSED_403(METHOD_MALFORMED, APP) },
    { "two requested methods", FULL, "OPTIONS", APP, "PUT,GET", NULL,
      REFUSED_403(METHOD_MALFORMED, APP) },
    { "a requested method with a space", FULL, "OPTIONS", APP, "PUT GET",
      NULL, REFUSED_403(METHOD_MALFORMED, APP) },
    { "a header list with a space inside a name", FULL, "OPTIONS", APP, "PUT",
      "x token", REFUSED_403(HEADERS_MALFORMED, APP) },
    { "a header list with a colon", FULL, "OPTIONS", APP, "PUT", "x-token:",
      REFUSED_403(HEADERS_MALFORMED, APP) },
    { "a header list with another alphabet", FULL, "OPTIONS", APP, "PUT",
      "x-t\xC3\xB6ken", REFUSED_403(HEADERS_MALFORMED, APP) },
    { "a header list with a line feed", FULL, "OPTIONS", APP, "PUT",
      "x-token,\n", REFUSED_403(HEADERS_MALFORMED, APP) },

    // Preflights that do not: what is allowed is shown, without max_age.
    { "a method that is not allowed", FULL, "OPTIONS", APP, "PATCH", "x-token",
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "PATCH",
                  ACAO(APP) FULL_ACAM FULL_ACAH VARY_ALL, APP) },
    { "methods are compared with their case", FULL, "OPTIONS", APP, "put",
      NULL, NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "put",
                        ACAO(APP) FULL_ACAM FULL_ACAH VARY_ALL, APP) },
    { "get is not GET", BARE, "OPTIONS", APP, "get", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "get",
                  ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "a header that is not allowed, as it was written", FULL, "OPTIONS", APP,
      "PUT", "x-token, X-Evil ,x-worse",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "X-Evil",
                  ACAO(APP) FULL_ACAM FULL_ACAH VARY_ALL, APP) },
    { "a refusal keeps credentials and status 200", CREDENTIALS, "OPTIONS",
      APP, "PUT", "x-evil",
      NOT_ALLOWED(200, HEADER_NOT_ALLOWED, "x-evil",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST,PUT")
                  ACAH("content-type") VARY_ALL, APP) },
    { "a header where none is listed", BARE, "OPTIONS", APP, "GET",
      "content-type",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "content-type",
                  ACAO(APP) ACAM("GET,HEAD,POST") VARY_ALL, APP) },

    // The first failure counts: origin, method, then headers from the left.
    { "the origin comes before the method", FULL, "OPTIONS", OTHER, "@", "@",
      REFUSED_403(ORIGIN_NOT_ALLOWED, NULL) },
    { "the method comes before the headers", FULL, "OPTIONS", APP, "PATCH",
      "@", NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "PATCH",
                       ACAO(APP) FULL_ACAM FULL_ACAH VARY_ALL, APP) },
    { "a malformed name before one that is not allowed", FULL, "OPTIONS", APP,
      "PUT", "@, x-evil", REFUSED_403(HEADERS_MALFORMED, APP) },
    { "one that is not allowed before a malformed name", FULL, "OPTIONS", APP,
      "PUT", "x-evil, @",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "x-evil",
                  ACAO(APP) FULL_ACAM FULL_ACAH VARY_ALL, APP) },

    // The policy `*`.
    { "a preflight under asterisks", ANY, "OPTIONS", APP, "PATCH", "x-any",
      PREFLIGHT(204, ACAO("*") ACAM("*") ACAH("*") ACMA("86400") VARY_ALL,
                "*") },
    { "a preflight from a malformed origin", ANY, "OPTIONS", "x,y", "PATCH",
      "x-any", PREFLIGHT(204, ACAO("*") ACAM("*") ACAH("*") ACMA("86400")
                         VARY_ALL, "*") },
    { "X-HTTP-Method-Override is not forbidden", ANY, "OPTIONS", APP, "POST",
      "x-http-method-override",
      PREFLIGHT(204, ACAO("*") ACAM("*") ACAH("*") ACMA("86400") VARY_ALL,
                "*") },
    { "any origin, but this method", ANY_BARE, "OPTIONS", APP, "PUT", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "PUT",
                  ACAO("*") ACAM("GET,HEAD,POST") VARY_ALL, "*") },
    { "any origin, a malformed method", ANY, "OPTIONS", APP, "@", NULL,
      REFUSED_403(METHOD_MALFORMED, "*") },
    { "Authorization is not in the asterisk", ANY, "OPTIONS", APP, "PUT",
      "x-any,Authorization",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "Authorization",
                  ACAO("*") ACAM("*") VARY_ALL, "*") },
    { "Authorization beside the asterisk", ANY_AUTHORIZATION, "OPTIONS", APP,
      "GET", "authorization, x-any",
      PREFLIGHT(204, ACAO("*") ACAM("GET,HEAD,POST")
                ACAH("*,authorization") VARY_ALL, "*") },

    // What no asterisk covers.
    { "TRACE", ANY, "OPTIONS", APP, "TRACE", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "TRACE",
                  ACAO("*") ACAM("*") ACAH("*") VARY_ALL, "*") },
    { "Connect", ANY, "OPTIONS", APP, "Connect", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "Connect",
                  ACAO("*") ACAM("*") ACAH("*") VARY_ALL, "*") },
    { "track", ANY, "OPTIONS", APP, "track", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "track",
                  ACAO("*") ACAM("*") ACAH("*") VARY_ALL, "*") },
    // An asterisk in the answer would be this method's name, or header's, and
    // so allow it: a browser compares names before it thinks of wildcards.
    { "a method that is called *", ANY, "OPTIONS", APP, "*", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "*",
                  ACAO("*") ACAM("GET,HEAD,POST") ACAH("*") VARY_ALL, "*") },
    { "a header that is called *", ANY, "OPTIONS", APP, "GET", "x-a, *",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "*",
                  ACAO("*") ACAM("*") VARY_ALL, "*") },
    { "Cookie", ANY, "OPTIONS", APP, "GET", "Cookie",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "Cookie",
                  ACAO("*") ACAM("*") ACAH("*") VARY_ALL, "*") },
    { "Sec-Anything", ANY, "OPTIONS", APP, "GET", "x-a,Sec-Anything",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "Sec-Anything",
                  ACAO("*") ACAM("*") ACAH("*") VARY_ALL, "*") },

    // Asterisks with credentials: browsers want the names.
    { "the requested method and headers are named", STARS, "OPTIONS", APP,
      "PATCH", "x-b, X-A",
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST,PATCH")
                ACAH("x-b, X-A") ACMA("5") VARY_ALL, APP) },
    { "an unusual method comes in a line of its own", STARS, "OPTIONS", APP,
      "UNLOCK", "x-a",
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST") ACAM("UNLOCK")
                ACAH("x-a") ACMA("5") VARY_ALL, APP) },
    { "patch is not PATCH, but a method too", STARS, "OPTIONS", APP, "patch",
      NULL, PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST") ACAM("patch")
                      ACMA("5") VARY_ALL, APP) },
    { "POST is there anyway", STARS, "OPTIONS", APP, "POST", NULL,
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST") ACMA("5") VARY_ALL,
                APP) },
    { "a list is echoed as it came", STARS, "OPTIONS", APP, "GET",
      "x-b\t,, X-A",
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST")
                ACAH("x-b\t,, X-A") ACMA("5") VARY_ALL, APP) },
    { "a list of nothing is not echoed", STARS, "OPTIONS", APP, "GET", ", ,",
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST") ACMA("5") VARY_ALL,
                APP) },
    { "TRACE is not echoed", STARS, "OPTIONS", APP, "TRACE", NULL,
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "TRACE",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "nor the headers beside it", STARS, "OPTIONS", APP, "*", "x-a",
      NOT_ALLOWED(204, METHOD_NOT_ALLOWED, "*",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "a malformed list is not echoed", STARS, "OPTIONS", APP, "PATCH",
      "x-a, x b", REFUSED_403(HEADERS_MALFORMED, APP) },
    { "Authorization has to be named there too", STARS, "OPTIONS", APP, "GET",
      "x-a,authorization",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "authorization",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "Authorization, named", STARS_AUTHORIZATION, "OPTIONS", APP, "GET",
      "x-a,authorization",
      PREFLIGHT(204, ACAO(APP) ACAC ACAM("GET,HEAD,POST")
                ACAH("x-a,authorization") VARY_ALL, APP) },
    { "a forbidden header, and no request byte", STARS_AUTHORIZATION,
      "OPTIONS", APP, "GET", "x-a,host",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "host",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") ACAH("authorization")
                  VARY_ALL, APP) },
    // The design: on a refusal policy bytes alone. A method that `*` covers
    // is the request's.
    { "a header is refused, and the method not echoed", STARS, "OPTIONS", APP,
      "UNLOCK", "x-a,authorization",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "authorization",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") VARY_ALL, APP) },
    { "nor a usual one", STARS, "OPTIONS", APP, "PUT", "x-a,cookie",
      NOT_ALLOWED(204, HEADER_NOT_ALLOWED, "cookie",
                  ACAO(APP) ACAC ACAM("GET,HEAD,POST") VARY_ALL, APP) },
};

int
main(void)
{
    check_rows(rows, COUNT(rows));
    return test_end();
}
