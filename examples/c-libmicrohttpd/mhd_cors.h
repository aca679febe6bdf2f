// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a server with libmicrohttpd does for CORS, whatever it serves: decide
// when a request comes, answer where decision.status is not 0, and govern
// every response before it is queued. To be copied.

#include <cors.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The lines of a header, joined with commas. What is longer than all bounds
// of cors.h is malformed, wherever it is cut.
typedef struct cors_line {
    const char  *name;
    char         text[CORS_REQUEST_HEADERS_MAX + 8];
    cors_str     str;
} cors_line;

static enum MHD_Result
join(void *to, enum MHD_ValueKind kind, const char *name, const char *value)
{
    cors_line  *l = to;

    if (strcasecmp(name, l->name) == 0) {
        snprintf(l->text + l->str.len, sizeof(l->text) - l->str.len, "%s%s",
                 l->str.ptr == NULL ? "" : ",", value);
        l->str = (cors_str) { l->text, strlen(l->text) };
        while (l->str.len > 0 && strchr(" \t", l->text[l->str.len - 1])) {
            l->str.len--;
        }
    }
    return (void) kind, MHD_YES;
}

// A response's own header that the policy replaces; timing is NULL unless the
// decision has that header too.
typedef struct own_header {
    const char  *name, *value, *timing;
} own_header;

static enum MHD_Result
find_own(void *to, enum MHD_ValueKind kind, const char *name,
         const char *value)
{
    own_header  *own = to;

    if (strncasecmp(name, "access-control-", 15) == 0
        || (own->timing != NULL && strcasecmp(name, own->timing) == 0))
    {
        own->name = name;
        own->value = value;
    }
    return (void) kind, MHD_YES;
}

// A request's headers, in the order of cors_request, and what is decided for
// it: the decision points into the lines.
enum { MHD_CORS_LINES = 6 };
typedef struct mhd_cors {
    cors_line      lines[MHD_CORS_LINES];
    cors_decision  decision;
} mhd_cors;

// Decides when the headers are there, before the body is read. The server
// keeps the result as the state of the request, which mhd_cors_completed
// frees; NULL means that there is no memory.
static mhd_cors *
mhd_cors_decide(const cors_policy *policy, struct MHD_Connection *connection,
                const char *method)
{
    mhd_cors       *cors = calloc(1, sizeof(*cors));
    cors_status     status;
    cors_request    request = CORS_REQUEST_INIT;
    cors_decision   nothing = CORS_DECISION_INIT;
    struct { const char *name; cors_str *str; } asked[MHD_CORS_LINES] = {
        { "Origin", &request.origin },
        { "Access-Control-Request-Method", &request.request_method },
        { "Access-Control-Request-Headers", &request.request_headers },
        { "Host", &request.host },
        { "Sec-Fetch-Site", &request.fetch_site },
        { "Upgrade", &request.upgrade },
    };

    if (cors == NULL) {
        return NULL;
    }
    request.method = (cors_str) { method, strlen(method) };
    for (int i = 0; i < MHD_CORS_LINES; i++) {
        cors_line  *line = &cors->lines[i];

        line->name = asked[i].name;
        MHD_get_connection_values(connection, MHD_HEADER_KIND, join, line);
        *asked[i].str = line->str;
    }
    // request.scheme is absent: this server does not know about a proxy's TLS.
    cors->decision = nothing;
    status = cors_evaluate(policy, &request, &cors->decision);
    if (status != CORS_OK) {
        fprintf(stderr, "cors_evaluate: %s\n", cors_status_text(status));
    }
    return cors;
}

// For MHD_OPTION_NOTIFY_COMPLETED.
static void
mhd_cors_completed(void *data, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
    (void) data, (void) connection, (void) code;
    free(*state);
    *state = NULL;
}

// The response where decision.status is not 0.
static struct MHD_Response *
mhd_cors_response(const mhd_cors *cors)
{
    static char           body[] = CORS_BLOCKED_BODY;
    int                   blocked;
    struct MHD_Response  *response;

    blocked = cors->decision.verdict == CORS_VERDICT_BLOCKED;
    response = MHD_create_response_from_buffer(
        blocked ? sizeof(body) - 1 : 0, body, MHD_RESPMEM_PERSISTENT);
    if (blocked) {
        MHD_add_response_header(response, "Content-Type", "text/plain");
    }
    return response;
}

// On every response: its own CORS headers go, the policy's come, and of Vary
// only what the response does not list yet. Timing-Allow-Origin goes only if
// the policy has one.
static void
mhd_cors_govern(const mhd_cors *cors, struct MHD_Response *response)
{
    cors_line   vary = { .name = "vary" };
    own_header  own = { NULL, NULL, NULL };
    char        missing[CORS_VARY_MAX];

    for (uint32_t i = 0; i < cors->decision.header_count; i++) {
        const char  *name = cors->decision.headers[i].name.ptr;

        if (strcmp(name, "timing-allow-origin") == 0) {
            own.timing = name;
        }
    }
    while (MHD_get_response_headers(response, find_own, &own), own.name) {
        MHD_del_response_header(response, own.name, own.value);
        own.name = NULL;
    }
    MHD_get_response_headers(response, join, &vary);
    for (uint32_t i = 0; i < cors->decision.header_count; i++) {
        const cors_header  *h = &cors->decision.headers[i];
        char               *value = strndup(h->value.ptr, h->value.len);

        if (strcmp(h->name.ptr, "vary") != 0) {
            MHD_add_response_header(response, h->name.ptr, value);
        } else if (cors_vary_missing(vary.str, h->value, missing,
                                     sizeof(missing)) != 0)
        {
            MHD_add_response_header(response, "vary", missing);
        }
        free(value);
    }
}
