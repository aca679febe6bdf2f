// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A server all of whose responses a CORS policy governs: server POLICY PORT
//   cc server.c $(pkg-config --cflags --libs libcors libmicrohttpd)

#define _DEFAULT_SOURCE
#include "mhd_cors.h"

#include <arpa/inet.h>
#include <unistd.h>

// An application with CORS headers of its own, none of which gets through. The
// others do, unless the policy has them.
static unsigned
application(const char *method, const char *url,
            struct MHD_Response **response)
{
    int          items = strcmp(url, "/items") == 0;
    int          health = strcmp(url, "/health") == 0;
    static char  bodies[2][4] = { "ok\n", "[]\n" };

    fprintf(stderr, "reached %s %s\n", method, url);
    *response = MHD_create_response_from_buffer(items || health ? 3 : 0,
                                                bodies[items],
                                                MHD_RESPMEM_PERSISTENT);
    if (items) {
        MHD_add_response_header(*response, "Access-Control-Allow-Origin",
                                "https://evil.example");
        MHD_add_response_header(*response, "Access-Control-Anything", "true");
        MHD_add_response_header(*response, "Timing-Allow-Origin",
                                "https://evil.example");
        MHD_add_response_header(*response, "TIMING-ALLOW-ORIGIN", "*");
        MHD_add_response_header(*response, "Vary", "Accept-Encoding, Origin");
        return 200;
    }
    return health ? 200 : strcmp(url, "/secret") == 0 ? 401
           : strcmp(url, "/fault") == 0 ? 500 : 404;
}

static enum MHD_Result
answer(void *policy, struct MHD_Connection *connection, const char *url,
       const char *method, const char *version, const char *data,
       size_t *data_len, void **state)
{
    mhd_cors             *cors = *state;
    unsigned              status;
    enum MHD_Result       result;
    struct MHD_Response  *response;

    // The first call comes before a request's body, the last one after it.
    (void) version, (void) data;
    if (cors == NULL) {
        *state = cors = mhd_cors_decide(policy, connection, method);
        if (cors == NULL) {
            return MHD_NO;
        }
        fprintf(stderr, "decided %s %s\n",
                cors_verdict_text(cors->decision.verdict),
                cors_reason_text(cors->decision.reason));
        if (cors->decision.status == 0) {
            return MHD_YES;
        }
    }
    if (*data_len != 0) {
        *data_len = 0;
        return MHD_YES;
    }
    if (cors->decision.status != 0) {
        status = cors->decision.status;
        response = mhd_cors_response(cors);
    } else {
        status = application(method, url, &response);
    }
    mhd_cors_govern(cors, response);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void
report(void *file, const cors_diagnostic *d)
{
    fprintf(stderr, "%s:%u:%u: %.*s\n", (const char *) file, d->line,
            d->column, (int) d->message.len, d->message.ptr);
}

int
main(int argc, char **argv)
{
    cors_policy         *policy;
    struct MHD_Daemon   *daemon;
    struct sockaddr_in   address = { .sin_family = AF_INET };

    if (argc != 3 || cors_policy_load_file(argv[1], report, argv[1], &policy))
    {
        return 1;
    }
    address.sin_port = htons((uint16_t) atoi(argv[2]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
                              answer, policy, MHD_OPTION_SOCK_ADDR, &address,
                              MHD_OPTION_NOTIFY_COMPLETED, mhd_cors_completed,
                              NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        return 1;
    }
    printf("http://127.0.0.1:%u/\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    // libmicrohttpd has a thread of its own.
    return pause();
}
