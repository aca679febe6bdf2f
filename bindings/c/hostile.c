// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Policy files of chosen kinds and sizes, for hostile.py: each is loaded, and
// an origin is decided and explained. Under callgrind each of the three leaves
// a dump of its instructions; otherwise their processor time is printed, and
// the memory that loading took at its peak.
//
//     hostile POLICY ORIGIN [POLICY ORIGIN]...

#define _DEFAULT_SOURCE

#include "cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

// The least of so many is printed.
#define ROUNDS 9

// Of the process: others may keep the machine busy.
static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

// Of the process, in kB.
static long
resident(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kb = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kb = strtol(line + strlen(name), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

// Linux forgets the highest resident size that there was.
static void
forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

static char *
read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text;
    long end;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0
        || (end = ftell(file)) < 0)
    {
        perror(path);
        exit(2);
    }
    rewind(file);
    *size = (size_t) end;
    text = malloc(*size + 1);
    if (text == NULL || fread(text, 1, *size, file) != *size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return text;
}

static void
count(void *context, const cors_diagnostic *diagnostic)
{
    (void) diagnostic;
    ++*(int *) context;
}

static void
measure(const char *path, const char *origin)
{
    cors_request request = CORS_REQUEST_INIT;
    cors_decision decision = CORS_DECISION_INIT;
    cors_policy *policy = NULL;
    double start, seconds, least_evaluate = 1e9, least_explain = 1e9;
    size_t size, words = 0;
    int round, rounds, diagnostics = 0;
    char *text = read_file(path, &size);
    long before;

    forget_peak();
    before = resident("VmRSS:");
    start = now();
    CALLGRIND_ZERO_STATS;
    cors_policy_load(text, size, count, &diagnostics, &policy);
    CALLGRIND_DUMP_STATS;
    seconds = now() - start;
    printf("%zu %.3f %ld %d ", size, seconds, resident("VmHWM:") - before,
           diagnostics);

    request.method.ptr = "GET";
    request.method.len = 3;
    request.origin.ptr = origin;
    request.origin.len = strlen(origin);
    rounds = RUNNING_ON_VALGRIND ? 1 : ROUNDS;
    for (round = 0; policy != NULL && round < rounds; round++) {
        start = now();
        CALLGRIND_ZERO_STATS;
        cors_evaluate(policy, &request, &decision);
        CALLGRIND_DUMP_STATS;
        seconds = now() - start;
        least_evaluate = seconds < least_evaluate ? seconds : least_evaluate;
        start = now();
        CALLGRIND_ZERO_STATS;
        words = cors_explain(policy, &request, NULL, 0);
        CALLGRIND_DUMP_STATS;
        seconds = now() - start;
        least_explain = seconds < least_explain ? seconds : least_explain;
    }
    if (policy == NULL) {
        printf("not-loaded\n");
    } else {
        printf("%s %.9f %.9f %zu\n", cors_verdict_text(decision.verdict),
               least_evaluate, least_explain, words);
    }
    fflush(stdout);
    cors_policy_free(policy);
    free(text);
}

int
main(int argc, char **argv)
{
    int i, status;
    pid_t child;

    // Each in a process of its own: what malloc has left of one file would
    // count for the next.
    for (i = 1; i + 1 < argc; i += 2) {
        child = fork();
        if (child == 0) {
            printf("%ld ", (long) getpid());
            measure(argv[i], argv[i + 1]);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            fprintf(stderr, "%s: failed\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
