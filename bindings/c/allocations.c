// SPDX-License-Identifier: MIT OR Apache-2.0
//
// cors_evaluate allocates nothing and makes no system call: every allocator
// function of this program counts its calls, and a child process decides
// under a filter that kills it at any system call but read, write and exit.
//
// The counters sit on the C library's own allocator, so this needs glibc. It
// does not go with sanitizers or valgrind, which bring allocators too.

#include "test.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long  allocations;

#ifdef __cplusplus
#define NO_THROW noexcept
extern "C" {
#else
#define NO_THROW
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

void *
malloc(size_t size) NO_THROW
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size) NO_THROW
{
    allocations++;
    return __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size) NO_THROW
{
    allocations++;
    return __libc_realloc(block, size);
}

int
posix_memalign(void **block, size_t alignment, size_t size) NO_THROW
{
    allocations++;
    *block = __libc_memalign(alignment, size);
    return *block != NULL ? 0 : ENOMEM;
}

void *
aligned_alloc(size_t alignment, size_t size) NO_THROW
{
    allocations++;
    return __libc_memalign(alignment, size);
}

void
free(void *block) NO_THROW
{
    // To free is to have allocated: it takes the same locks.
    allocations += block != NULL;
    __libc_free(block);
}

#ifdef __cplusplus
}
#endif

#define ROUNDS  200000
#define APP     "https://app.example.com"

// 100 names, "x-header-00" to "x-header-99", and the policy that lists them.
static char  hundred[100 * 12];
static char  hundred_json[4096];

static const char *const  policies[] = {
    "{\"allow_origins\": [\"" APP "\", \"https://*.example.net\","
    " \"https://pr-*-of-*.example.org\", \"https://**.example.org\","
    " \"http://localhost:*\", \"chrome-extension://abcdef\"],"
    " \"allow_methods\": [\"PUT\"], \"allow_headers\": [\"X-Token\"],"
    " \"expose_headers\": [\"x-total\"], \"max_age\": 600}",
    "{\"allow_origins\": [\"" APP "\"], \"allow_credentials\": true,"
    " \"allow_methods\": [\"*\"], \"allow_headers\": [\"*\"]}",
    "{\"allow_origins\": [\"*\"], \"allow_methods\": [\"*\"],"
    " \"allow_headers\": [\"*\"], \"expose_headers\": [\"*\"]}",
    hundred_json,
    "{\"allow_origins\": [\"" APP "\"],"
    " \"block\": [\"unsafe_methods\", \"websockets\"]}",
};

typedef struct question {
    const char  *method;
    const char  *origin;
    const char  *request_method;
    const char  *request_headers;
    const char  *host;
    const char  *fetch_site;
    const char  *upgrade;
    const char  *scheme;
} question;

#define NONE  NULL, NULL, NULL, NULL

static const question  questions[] = {
    { "GET", NULL, NULL, NULL, NONE },
    { "OPTIONS", NULL, NULL, NULL, NONE },
    { "GET", APP, NULL, NULL, NONE },
    { "GET", "https://a.example.net", NULL, NULL, NONE },
    { "GET", "https://pr-1-of-2.example.org", NULL, NULL, NONE },
    { "GET", "https://a.b.c.example.org", NULL, NULL, NONE },
    { "GET", "http://localhost:5173", NULL, NULL, NONE },
    { "GET", "chrome-extension://abcdef", NULL, NULL, NONE },
    { "GET", "null", NULL, NULL, NONE },
    { "GET", "https://evil.example", NULL, NULL, NONE },
    { "GET", "https://xn--a.b.example.net", NULL, NULL, NONE },
    { "GET", "@", NULL, NULL, NONE },
    { "OPTIONS", APP, "PUT", "x-token", NONE },
    { "OPTIONS", APP, "UNLOCK", "x-b, X-A", NONE },
    { "OPTIONS", APP, "POST", hundred, NONE },
    { "OPTIONS", "https://evil.example", "PUT", "x-token", NONE },
    { "OPTIONS", "@", "PUT", "x-token", NONE },
    { "OPTIONS", APP, "TRACE", NULL, NONE },
    { "OPTIONS", APP, "@", NULL, NONE },
    { "OPTIONS", APP, "POST", "x-token, Cookie", NONE },
    { "OPTIONS", APP, "POST", "authorization", NONE },
    { "OPTIONS", APP, "POST", "x y", NONE },
    { "POST", NULL, NULL, NULL, NONE },
    { "POST", APP, NULL, NULL, NONE },
    { "POST", "null", NULL, NULL, NONE },
    { "POST", "https://evil.example", NULL, NULL, NONE },
    { "POST", "@", NULL, NULL, NONE },
    { "POST", NULL, NULL, NULL, NULL, "cross-site", NULL, NULL },
    { "POST", "https://site.example:8443", NULL, NULL, "site.example:8443",
      "cross-site", NULL, "https" },
    { "POST", "http://site.example", NULL, NULL, "site.example:80", NULL, NULL,
      "http" },
    { "POST", "https://site.example", NULL, NULL, NULL, "same-origin", NULL,
      NULL },
    { "GET", "https://evil.example", NULL, NULL, "site.example", NULL,
      "h2c, WebSocket", "https" },
};

static cors_policy   *loaded[COUNT(policies)];
static cors_request   requests[COUNT(questions)];

// Bits of the verdicts and reasons that were seen.
static unsigned  verdicts;
static unsigned  reasons;

static void
make_hundred(void)
{
    int     i;
    size_t  used;

    for (i = 0; i < 100; i++) {
        snprintf(hundred + i * 12, 13 - (i == 99), "x-header-%02d,", i);
    }
    used = CAST(size_t, snprintf(hundred_json, sizeof(hundred_json),
                                 "{\"allow_origins\": [\"" APP "\"],"
                                 " \"allow_headers\": ["));
    for (i = 0; i < 100; i++) {
        used += CAST(size_t, snprintf(hundred_json + used,
                                      sizeof(hundred_json) - used,
                                      "%s\"X-Header-%02d\"",
                                      i == 0 ? "" : ",", i));
    }
    snprintf(hundred_json + used, sizeof(hundred_json) - used, "]}");
}

// The number of calls that did not return CORS_OK.
static unsigned
decide(unsigned rounds)
{
    size_t         policy, request;
    unsigned       i, failed = 0;
    cors_decision  decision = CORS_DECISION_INIT;

    for (i = 0; i < rounds; i++) {
        request = i % COUNT(requests);
        policy = i / COUNT(requests) % COUNT(loaded);
        failed += cors_evaluate(loaded[policy], &requests[request], &decision)
                  != CORS_OK;
        verdicts |= 1U << decision.verdict;
        reasons |= 1U << decision.reason;
    }
    // A call that fails has to be as frugal.
    failed += cors_evaluate(NULL, &requests[0], &decision)
              != CORS_ERROR_ARGUMENT;
    return failed;
}

static void
test_system_calls(void)
{
    int    status = 0;
    pid_t  child;

    test_title = "cors_evaluate makes no system call";
    child = fork();
    if (child == 0) {
        // exit_group, which _exit uses, is not among the permitted ones.
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
            _exit(2);
        }
        syscall(SYS_exit, decide(1000) == 0 ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        fprintf(stderr, "not tested here: %s\n", test_title);
        return;
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
    size_t         i;
    unsigned       failed;
    unsigned long  before, during;

    make_hundred();
    before = allocations;
    for (i = 0; i < COUNT(policies); i++) {
        loaded[i] = test_load(policies[i]);
    }
    test_title = "the counters count what the library allocates";
    CHECK(allocations - before > COUNT(policies));
    for (i = 0; i < COUNT(questions); i++) {
        cors_request  empty = CORS_REQUEST_INIT;

        requests[i] = empty;
        requests[i].method = test_str(questions[i].method);
        requests[i].origin = test_str(questions[i].origin);
        requests[i].request_method = test_str(questions[i].request_method);
        requests[i].request_headers = test_str(questions[i].request_headers);
        requests[i].host = test_str(questions[i].host);
        requests[i].fetch_site = test_str(questions[i].fetch_site);
        requests[i].upgrade = test_str(questions[i].upgrade);
        requests[i].scheme = test_str(questions[i].scheme);
    }

    test_title = "cors_evaluate allocates nothing";
    before = allocations;
    failed = decide(ROUNDS);
    during = allocations - before;
    CHECK(failed == 0);
    CHECK(during == 0);

    test_title = "every verdict and reason was among the decisions";
    CHECK(verdicts == (1U << (CORS_VERDICT_BLOCKED + 1)) - 1);
    CHECK(reasons == (1U << (CORS_REASON_CROSS_SITE + 1)) - 1);

    test_system_calls();

    test_title = "the counters see what the library frees";
    before = allocations;
    for (i = 0; i < COUNT(loaded); i++) {
        cors_policy_free(loaded[i]);
    }
    CHECK(allocations - before > COUNT(loaded));
    return test_end();
}
