// What a server sends for one request under a policy:
//   example policy.json METHOD [ORIGIN [REQUESTED-METHOD [REQUESTED-HEADERS]]]

#include <cors.h>

#include <stdio.h>
#include <string.h>

static void
report(void *file, const cors_diagnostic *d)
{
    fprintf(stderr, "%s:%u:%u: %.*s; %.*s\n", (const char *) file, d->line,
            d->column, (int) d->message.len, d->message.ptr,
            (int) d->help.len, d->help.ptr != NULL ? d->help.ptr : "");
}

int
main(int argc, char **argv)
{
    cors_policy   *policy;
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;
    cors_str      *parts[] = { &request.method, &request.origin,
                               &request.request_method,
                               &request.request_headers };

    if (argc < 3 || argc > 6
        || cors_policy_load_file(argv[1], report, argv[1], &policy)) {
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        parts[i - 2]->ptr = argv[i];
        parts[i - 2]->len = strlen(argv[i]);
    }
    cors_evaluate(policy, &request, &decision);
    if (decision.status != 0) {
        printf("HTTP/1.1 %u\n", decision.status);
    }
    for (uint32_t i = 0; i < decision.header_count; i++) {
        const cors_header *h = &decision.headers[i];
        printf("%.*s: %.*s\n", (int) h->name.len, h->name.ptr,
               (int) h->value.len, h->value.ptr);
    }
    cors_policy_free(policy);
    return 0;
}
