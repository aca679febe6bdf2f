// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sources: a policy file that changes while threads and processes use its
// policy. Works in a directory of its own below the current one. What a file
// can do to a source is in src/tests/source.rs.

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 16

static const char  A[] = "{\"allow_origins\": [\"https://a.example\"]}\n";
static const char  B[] = "{\"allow_origins\": [\"https://b.example\"]}\n";
// A warning
static const char  TWICE[] = "{\"allow_origins\": [\"https://b.example\","
                             " \"https://b.example\"]}\n";
static const char  BAD[] = "{\"allow_origins\": [\"https://b.example/\"]}\n";

static unsigned  errors, warnings;

static void
count(void *context, const cors_diagnostic *diagnostic)
{
    CHECK(context == &errors);
    if (diagnostic->severity == CORS_SEVERITY_ERROR) {
        errors++;
    } else {
        warnings++;
    }
    errno = EILSEQ;
}

static void
write_file(const char *text)
{
    FILE  *file = fopen("next.json", "w");

    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    CHECK(rename("next.json", "cors.json") == 0);
}

static bool
allows(const cors_policy *policy, const char *origin)
{
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;

    request.method = test_str("GET");
    request.origin = test_str(origin);
    return cors_evaluate(policy, &request, &decision) == CORS_OK
           && decision.verdict == CORS_VERDICT_ALLOWED;
}

static bool
source_allows(const cors_source *source, const char *origin)
{
    bool          allowed;
    cors_policy  *policy = cors_source_policy(source);

    allowed = policy != NULL && allows(policy, origin);
    cors_policy_free(policy);
    return allowed;
}

static cors_source_state
info_of(const cors_source *source)
{
    cors_source_state  info = CORS_SOURCE_STATE_INIT;

    CHECK(cors_source_info(source, &info) == CORS_OK);
    return info;
}

static void
test_open(void)
{
    cors_source  *source = CAST(cors_source *, CAST(void *, &errors));

    test_title = "what is no source";
    errors = 0;
    CHECK(cors_source_open("cors.json", count, &errors, &source)
          == CORS_ERROR_IO);
    CHECK(errno == ENOENT && source == NULL && errors == 1);
    write_file(BAD);
    CHECK(cors_source_open("cors.json", count, &errors, &source)
          == CORS_ERROR_POLICY);
    CHECK(source == NULL && errors == 2);
    CHECK(cors_source_open(NULL, NULL, NULL, &source) == CORS_ERROR_ARGUMENT);
    CHECK(cors_source_open("cors.json", NULL, NULL, NULL)
          == CORS_ERROR_ARGUMENT);
    CHECK(cors_source_refresh(NULL, NULL, NULL, NULL) == CORS_ERROR_ARGUMENT);
    CHECK(cors_source_policy(NULL) == NULL);
    cors_source_close(NULL);
}

static void
test_refresh(void)
{
    cors_source        *source;
    cors_policy        *old;
    cors_source_state   info;

    test_title = "a file that changes";
    write_file(A);
    errors = warnings = 0;
    CHECK(cors_source_open("cors.json", count, &errors, &source) == CORS_OK);
    CHECK(errors == 0 && warnings == 0);
    info = info_of(source);
    CHECK(info.version == 1 && info.status == CORS_OK && info.failed == 0);
    CHECK(info.pattern_count == 1 && info.change[0] == '\0');
    CHECK(info.loaded > 1000000000000000000);
    old = cors_source_policy(source);
    CHECK(old != NULL && allows(old, "https://a.example"));

    CHECK(cors_source_refresh(source, NULL, count, &errors) == CORS_OK);
    CHECK(info_of(source).version == 1);

    write_file(TWICE);
    CHECK(cors_source_refresh(source, NULL, count, &errors) == CORS_OK);
    CHECK(errors == 0 && warnings == 1);
    info = info_of(source);
    CHECK(info.version == 2);
    CHECK(strcmp(info.change, "newly allows https://b.example; no longer "
                              "allows https://a.example") == 0);
    CHECK(source_allows(source, "https://b.example"));
    CHECK(!source_allows(source, "https://a.example"));
    // Whoever had the old one has it still.
    CHECK(allows(old, "https://a.example"));
    cors_policy_free(old);

    write_file(BAD);
    CHECK(cors_source_refresh(source, NULL, count, &errors)
          == CORS_ERROR_POLICY);
    CHECK(errors == 1);
    info = info_of(source);
    CHECK(info.status == CORS_ERROR_POLICY && info.version == 2);
    CHECK(info.failed >= info.loaded);
    CHECK(cors_source_refresh(source, NULL, count, &errors) == CORS_OK);
    CHECK(errors == 1);
    CHECK(info_of(source).status == CORS_ERROR_POLICY);

    CHECK(unlink("cors.json") == 0);
    CHECK(cors_source_refresh(source, NULL, count, &errors) == CORS_ERROR_IO);
    CHECK(errno == ENOENT && errors == 2);
    CHECK(info_of(source).status == CORS_ERROR_IO);
    CHECK(cors_source_refresh(source, NULL, NULL, NULL) == CORS_OK);
    CHECK(source_allows(source, "https://b.example"));

    // The file is looked at where it was, wherever the program goes.
    write_file(A);
    CHECK(chdir("/") == 0);
    CHECK(cors_source_refresh(source, NULL, NULL, NULL) == CORS_OK);
    info = info_of(source);
    CHECK(info.status == CORS_OK && info.version == 3);
    old = cors_source_policy(source);
    cors_source_close(source);
    CHECK(allows(old, "https://a.example"));
    cors_policy_free(old);
}

static void
test_info(const cors_source *source)
{
    struct {
        cors_source_state  info;
        unsigned char     later[64];
    } large;
    cors_source_state  info = CORS_SOURCE_STATE_INIT;

    test_title = "a state of another size";
    memset(&large, 0x5a, sizeof(large));
    large.info.size = sizeof(large.info) + 32;
    CHECK(cors_source_info(source, &large.info) == CORS_OK);
    CHECK(large.info.size == sizeof(large.info) + 32);
    CHECK(large.info.version == 1);
    CHECK(large.later[0] == 0 && large.later[31] == 0);
    CHECK(large.later[32] == 0x5a);
    info.size--;
    CHECK(cors_source_info(source, &info) == CORS_ERROR_ARGUMENT);
    CHECK(info.version == 0);
    info.size++;
    CHECK(cors_source_info(NULL, &info) == CORS_ERROR_ARGUMENT);
    CHECK(cors_source_info(source, NULL) == CORS_ERROR_ARGUMENT);
}

static int
never(void *context)
{
    ++*CAST(unsigned *, context);
    return 0;
}

static void
test_give_up(cors_source *source)
{
    unsigned  asked = 0;

    test_title = "a load that is given up";
    write_file(B);
    CHECK(cors_source_refresh(source, never, NULL, &asked) == CORS_OK);
    CHECK(asked != 0 && info_of(source).version == 1);
    CHECK(source_allows(source, "https://a.example"));
    CHECK(cors_source_refresh(source, NULL, NULL, NULL) == CORS_OK);
    CHECK(source_allows(source, "https://b.example"));
}

static volatile bool  done;

static void *
refresh(void *context)
{
    while (!done) {
        (void) cors_source_refresh(CAST(cors_source *, context), NULL, NULL,
                                   NULL);
    }
    return NULL;
}

// A thread that refreshes is not in the child, whatever it was doing.
static void
test_fork(cors_source *source)
{
    int        i, status;
    bool       good;
    pid_t      child;
    pthread_t  threads[2];

    test_title = "processes that are forked while threads refresh";
    for (i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, refresh, source) == 0);
    }
    for (i = 0; i < PROCESSES; i++) {
        write_file(i % 2 == 0 ? A : B);
        child = fork();
        if (child == 0) {
            alarm(60);
            write_file(i % 2 == 0 ? B : A);
            good = cors_source_refresh(source, NULL, NULL, NULL) == CORS_OK
                   && source_allows(source, i % 2 == 0 ? "https://b.example"
                                                       : "https://a.example");
            cors_source_close(source);
            if (good && test_failures == 0) {
                // Not _exit: what the threads had in hand is lost here, and
                // valgrind would say so.
                execlp("true", "true", CAST(char *, NULL));
            }
            _exit(1);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child
              && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    done = true;
    for (i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

int
main(void)
{
    int           home;
    char          directory[] = "sources-XXXXXX";
    cors_source  *source = NULL;

    if (!CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0)) {
        return test_end();
    }
    home = open(".", O_RDONLY | O_DIRECTORY);
    test_open();
    test_refresh();
    CHECK(fchdir(home) == 0 && close(home) == 0);

    write_file(A);
    CHECK(cors_source_open("./cors.json", NULL, NULL, &source) == CORS_OK);
    test_info(source);
    test_give_up(source);
    test_fork(source);
    cors_source_close(source);

    CHECK(unlink("cors.json") == 0);
    CHECK(chdir("..") == 0 && rmdir(directory) == 0);
    return test_end();
}
