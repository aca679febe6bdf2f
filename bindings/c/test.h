// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the test programs share. It comes before any other header, so that
// the POSIX functions are there under -std=c11.

#ifndef TEST_H
#define TEST_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif

#include "cors.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Every file is compiled as C and as C++, there with -Wold-style-cast.
#ifdef __cplusplus
#define CAST(type, value) static_cast<type>(value)
#else
#define CAST(type, value) ((type) (value))
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A cors_str of a literal's bytes, which may hold a NUL.
#define STR(literal) { literal, sizeof(literal) - 1 }
#define ABSENT { NULL, 0 }

static unsigned long test_checks;
static unsigned long test_failures;

// What is being tested, in English, for the message.
static const char *test_title = "";

#define CHECK(condition) test_check((condition), #condition, __LINE__)

static inline bool
test_check(bool condition, const char *text, int line)
{
    test_checks++;
    if (!condition) {
        test_failures++;
        fprintf(stderr, "line %d: %s: not so: %s\n", line, test_title, text);
    }
    return condition;
}

// The exit status of main.
static inline int
test_end(void)
{
    printf("%lu checks\n", test_checks);
    return test_failures == 0 && test_checks != 0 ? 0 : 1;
}

// The text of a string as a cors_str; NULL is absent.
static inline cors_str
test_str(const char *text)
{
    cors_str  str = ABSENT;

    if (text != NULL) {
        str.ptr = text;
        str.len = strlen(text);
    }
    return str;
}

static inline bool
test_same(cors_str str, const char *text)
{
    if (str.ptr == NULL || text == NULL) {
        return str.ptr == NULL && text == NULL;
    }
    return str.len == strlen(text) && memcmp(str.ptr, text, str.len) == 0;
}

static inline void
test_print_diagnostic(void *context, const cors_diagnostic *diagnostic)
{
    (void) context;
    fprintf(stderr, "%u:%u: %.*s [%.*s]\n", diagnostic->line,
            diagnostic->column, CAST(int, diagnostic->message.len),
            diagnostic->message.ptr, CAST(int, diagnostic->code.len),
            diagnostic->code.ptr);
}

// A policy that has to load.
static inline cors_policy *
test_load(const char *json)
{
    cors_policy  *policy = NULL;

    if (cors_policy_load(json, strlen(json), NULL, NULL, &policy) != CORS_OK) {
        fprintf(stderr, "%s: this policy has to load: %s\n", test_title, json);
        (void) cors_policy_load(json, strlen(json), test_print_diagnostic,
                                NULL, &policy);
        exit(1);
    }
    return policy;
}

// The headers of a decision, "name: value\n" each, as it would be sent.
#define TEST_TEXT_MAX 16384

static inline void
test_render(const cors_decision *decision, char *text)
{
    uint32_t  i;
    size_t    used = 0;

    text[0] = '\0';
    if (decision->header_count > CORS_HEADERS_MAX) {
        strcpy(text, "header_count is out of bounds");
        return;
    }
    for (i = 0; i < decision->header_count; i++) {
        const cors_header  *header = &decision->headers[i];
        size_t              need = header->name.len + header->value.len + 4;

        if (header->name.ptr == NULL || header->value.ptr == NULL
            || need > TEST_TEXT_MAX - used)
        {
            strcpy(text, "a header is absent or too long");
            return;
        }
        memcpy(text + used, header->name.ptr, header->name.len);
        used += header->name.len;
        text[used++] = ':';
        text[used++] = ' ';
        memcpy(text + used, header->value.ptr, header->value.len);
        used += header->value.len;
        text[used++] = '\n';
        text[used] = '\0';
    }
}

// The one header of a decision that a failed call leaves.
#define TEST_VARY_ALL                                                        \
    "vary: origin, access-control-request-method, "                          \
    "access-control-request-headers\n"

// Whether a decision permits nothing, as design and header promise it on any
// status but CORS_OK.
static inline bool
test_denies(const cors_decision *decision)
{
    static char  text[TEST_TEXT_MAX];

    test_render(decision, text);
    return decision->verdict == CORS_VERDICT_REFUSED
           && decision->reason == CORS_REASON_NONE
           && decision->status == 0
           && decision->culprit.ptr == NULL
           && decision->pattern.ptr == NULL
           && strcmp(text, TEST_VARY_ALL) == 0;
}

#endif // TEST_H
