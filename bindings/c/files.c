// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loading a policy from a file: what is a file, and what is told where it
// cannot be read. Works in a directory of its own below the current one.

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char  GOOD[] =
    "{\"allow_origins\": [\"https://app.example.com\"]}\n";

static unsigned  calls;
static char      code[64];
static uint32_t  line;
static bool      message;

static void
collect(void *context, const cors_diagnostic *diagnostic)
{
    CHECK(context == &calls);
    CHECK(diagnostic->severity == CORS_SEVERITY_ERROR);
    calls++;
    line = diagnostic->line;
    message = diagnostic->message.ptr != NULL && diagnostic->message.len != 0;
    if (CHECK(diagnostic->code.len < sizeof(code))) {
        memcpy(code, diagnostic->code.ptr, diagnostic->code.len);
        code[diagnostic->code.len] = '\0';
    }
    // What a diagnostic function does to errno is not what the caller sees.
    errno = EILSEQ;
}

static cors_status
load_file(const char *path)
{
    cors_policy  *policy = NULL;
    cors_status   status;
    int           kept;

    test_title = path;
    calls = 0;
    errno = 0;
    status = cors_policy_load_file(path, collect, &calls, &policy);
    kept = errno;
    CHECK((status == CORS_OK) == (policy != NULL));
    CHECK((status == CORS_OK) == (calls == 0));
    cors_policy_free(policy);

    // The same without a diagnostic function.
    errno = 0;
    CHECK(cors_policy_load_file(path, NULL, NULL, &policy) == status);
    CHECK(status != CORS_ERROR_IO || errno == kept);
    cors_policy_free(policy);
    errno = kept;
    return status;
}

// Not readable: one diagnostic without a place, and the system's errno.
static void
check_unreadable(const char *path, int expected)
{
    CHECK(load_file(path) == CORS_ERROR_IO);
    CHECK(errno == expected);
    CHECK(calls == 1);
    CHECK(strcmp(code, "io") == 0);
    CHECK(line == 0);
    CHECK(message);
}

static void
write_file(const char *path, const char *text)
{
    FILE  *file = fopen(path, "w");

    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void
test_arguments(void)
{
    cors_policy  *policy = CAST(cors_policy *, CAST(void *, code));

    test_title = "NULL";
    CHECK(cors_policy_load_file(NULL, collect, &calls, &policy)
          == CORS_ERROR_ARGUMENT);
    CHECK(policy == NULL);
    CHECK(cors_policy_load_file("good.json", NULL, NULL, NULL)
          == CORS_ERROR_ARGUMENT);
}

int
main(void)
{
    char  directory[] = "files-XXXXXX";
    int   descriptor;

    if (!CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0)) {
        return test_end();
    }
    // A load that waits for a writer of the FIFO would wait for ever.
    alarm(60);

    write_file("good.json", GOOD);
    CHECK(load_file("good.json") == CORS_OK);
    CHECK(load_file("./good.json") == CORS_OK);
    // Orchestrators mount a file as a symbolic link.
    CHECK(symlink("good.json", "link.json") == 0);
    CHECK(load_file("link.json") == CORS_OK);

    write_file("bad.json", "{\n  \"allow_origins\": []\n}\n");
    CHECK(load_file("bad.json") == CORS_ERROR_POLICY);
    CHECK(calls == 1 && line == 2 && strcmp(code, "io") != 0);
    write_file("empty.json", "");
    CHECK(load_file("empty.json") == CORS_ERROR_POLICY);

    check_unreadable("missing.json", ENOENT);
    check_unreadable("missing/good.json", ENOENT);
    check_unreadable("good.json/x", ENOTDIR);
    check_unreadable("", ENOENT);
    check_unreadable(".", EINVAL);
    CHECK(mkfifo("fifo", 0600) == 0);
    check_unreadable("fifo", EINVAL);
    // A device never ends.
    check_unreadable("/dev/zero", EINVAL);
    CHECK(symlink("loop.json", "loop.json") == 0);
    check_unreadable("loop.json", ELOOP);

    // A hole takes no room on the disk.
    descriptor = open("huge.json", O_WRONLY | O_CREAT, 0600);
    CHECK(descriptor >= 0
          && ftruncate(descriptor, CAST(off_t, CORS_POLICY_MAX) + 1) == 0
          && close(descriptor) == 0);
    CHECK(load_file("huge.json") != CORS_OK);
    CHECK(calls == 1);

    test_arguments();

    test_title = "the end";
    CHECK(unlink("good.json") == 0 && unlink("link.json") == 0);
    CHECK(unlink("bad.json") == 0 && unlink("empty.json") == 0);
    CHECK(unlink("fifo") == 0 && unlink("loop.json") == 0);
    CHECK(unlink("huge.json") == 0);
    CHECK(chdir("..") == 0 && rmdir(directory) == 0);
    return test_end();
}
