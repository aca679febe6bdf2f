// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One policy, eight threads; beside them another policy is loaded and freed,
// and processes are forked that go on with the first.

#include "test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS   8
#define ROUNDS    5000
#define PROCESSES 8
#define APP       "https://app.example.com"
#define PREVIEW   "https://pr-7.example.net"

static const char  JSON[] =
    "{\"allow_origins\": [\"" APP "\", \"https://pr-*.example.net\"],"
    " \"allow_credentials\": true, \"allow_methods\": [\"*\"],"
    " \"allow_headers\": [\"*\"]}";

static const char  OTHER[] =
    "{\"allow_origins\": [\"https://**.example.org\","
    " \"https://a-*.example.org\", \"https://b.example.org\"],"
    " \"allow_headers\": [\"X-Token\", \"X-Other\"]}";

static cors_policy  *policy;

typedef struct question {
    const char  *method;
    const char  *origin;
    const char  *request_method;
    const char  *request_headers;
    const char  *expected;
} question;

static const question  questions[] = {
    { "GET", APP, NULL, NULL,
      "access-control-allow-origin: " APP "\n"
      "access-control-allow-credentials: true\n"
      "vary: origin\n" },
    { "GET", "https://evil.example", NULL, NULL, "vary: origin\n" },
    { "OPTIONS", PREVIEW, "UNLOCK", "x-b,X-A",
      "access-control-allow-origin: " PREVIEW "\n"
      "access-control-allow-credentials: true\n"
      "access-control-allow-methods: GET,HEAD,POST\n"
      "access-control-allow-methods: UNLOCK\n"
      "access-control-allow-headers: x-b,X-A\n"
      TEST_VARY_ALL },
};

// How many answers were wrong. Nothing is shared but the policy: the counts
// of test.h are for one thread.
static unsigned
wrong_answers(unsigned rounds, char *text)
{
    unsigned       i, wrong = 0;
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;

    for (i = 0; i < rounds; i++) {
        const question  *asked = &questions[i % COUNT(questions)];

        request.method = test_str(asked->method);
        request.origin = test_str(asked->origin);
        request.request_method = test_str(asked->request_method);
        request.request_headers = test_str(asked->request_headers);
        wrong += cors_evaluate(policy, &request, &decision) != CORS_OK;
        test_render(&decision, text);
        wrong += strcmp(text, asked->expected) != 0;
        if (i % 64 == 0) {
            wrong += cors_explain(policy, &request, text, TEST_TEXT_MAX) == 0;
        }
    }
    return wrong;
}

typedef struct worker {
    pthread_t  thread;
    unsigned   wrong;
    char       text[TEST_TEXT_MAX];
} worker;

static worker  workers[THREADS];

static void *
work(void *context)
{
    worker  *own = CAST(worker *, context);

    own->wrong = wrong_answers(ROUNDS, own->text);
    return NULL;
}

static void
test_fork(void)
{
    int          i, status;
    pid_t        child;
    unsigned     wrong;
    static char  text[TEST_TEXT_MAX];

    for (i = 0; i < PROCESSES; i++) {
        child = fork();
        if (child == 0) {
            // Other threads are gone here, whatever they were doing; a lock
            // that one of them held would never be free again.
            alarm(60);
            wrong = wrong_answers(100, text);
            cors_policy_free(policy);
            _exit(wrong == 0 ? 0 : 1);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child
              && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

int
main(void)
{
    int          i;
    static char  text[TEST_TEXT_MAX];

    policy = test_load(JSON);
    test_title = "processes that are forked by a program with one thread";
    test_fork();

    test_title = "threads, and processes that are forked beside them";
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i])
              == 0);
    }
    for (i = 0; i < 200; i++) {
        cors_policy_free(test_load(OTHER));
        if (i == 100) {
            test_fork();
        }
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        CHECK(workers[i].wrong == 0);
    }
    CHECK(wrong_answers(10, text) == 0);

    cors_policy_free(policy);
    return test_end();
}
