// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loads a policy from memory and keeps what the diagnostic function was told.

#ifndef REPORT_H
#define REPORT_H

#include "test.h"

#define APP  "https://app.example.com"

// A policy that loads, and more members beside it.
#define GOOD  "{\"allow_origins\": [\"" APP "\"]}"
#define WITH(members)  "{\"allow_origins\": [\"" APP "\"], " members "}"

// What was reported during one load. The texts die with each call, so they
// are copied.
typedef struct report {
    int32_t   severity;
    uint32_t  line;
    uint32_t  column;
    char      code[64];
    char      pointer[512];
    char      message[2048];
    char      help[2048];
} report;

static report    reports[CORS_DIAGNOSTICS_MAX];
static unsigned  calls;
static unsigned  errors;

static inline void
copy(char *to, size_t capacity, cors_str text)
{
    if (CHECK(text.len < capacity)) {
        memcpy(to, text.ptr, text.len);
        to[text.len] = '\0';
    }
}

// One line that a terminal can be shown: no control byte, nor one of the
// controls that UTF-8 spells in two bytes (U+0080 to U+009F).
static inline bool
printable(cors_str text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        unsigned char  byte = CAST(unsigned char, text.ptr[i]);
        unsigned char  next = 0;

        if (i + 1 < text.len) {
            next = CAST(unsigned char, text.ptr[i + 1]);
        }
        if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && next < 0xA0)) {
            return false;
        }
    }
    return true;
}

static inline void
collect(void *context, const cors_diagnostic *diagnostic)
{
    report  *to = &reports[calls];

    CHECK(context == &calls);
    CHECK(diagnostic->size == sizeof(cors_diagnostic));
    CHECK(diagnostic->severity == CORS_SEVERITY_ERROR
          || diagnostic->severity == CORS_SEVERITY_WARNING);
    CHECK(diagnostic->code.ptr != NULL && diagnostic->code.len != 0);
    CHECK(diagnostic->pointer.ptr != NULL);
    CHECK(diagnostic->message.ptr != NULL && diagnostic->message.len != 0);
    CHECK(diagnostic->help.ptr == NULL || diagnostic->help.len != 0);
    CHECK(printable(diagnostic->code) && printable(diagnostic->pointer));
    CHECK(printable(diagnostic->message) && printable(diagnostic->help));
    CHECK((diagnostic->line == 0) == (diagnostic->column == 0));

    if (CHECK(calls < CORS_DIAGNOSTICS_MAX)) {
        memset(to, 0, sizeof(*to));
        to->severity = diagnostic->severity;
        to->line = diagnostic->line;
        to->column = diagnostic->column;
        copy(to->code, sizeof(to->code), diagnostic->code);
        copy(to->pointer, sizeof(to->pointer), diagnostic->pointer);
        copy(to->message, sizeof(to->message), diagnostic->message);
        if (diagnostic->help.ptr != NULL) {
            copy(to->help, sizeof(to->help), diagnostic->help);
        }
        CHECK(strspn(to->code, "abcdefghijklmnopqrstuvwxyz0123456789-")
              == strlen(to->code));
    }
    calls++;
    errors += diagnostic->severity == CORS_SEVERITY_ERROR;
}

// Loads, and checks what holds for every load: a policy or at least one
// error, never both.
static inline cors_status
load_bytes(const char *json, size_t len)
{
    // Not NULL, to see that it is written.
    cors_policy  *policy = CAST(cors_policy *, CAST(void *, reports));
    cors_status   status;

    calls = 0;
    errors = 0;
    status = cors_policy_load(json, len, collect, &calls, &policy);
    CHECK(status == CORS_OK || status == CORS_ERROR_POLICY);
    CHECK((status == CORS_OK) == (policy != NULL));
    CHECK((status == CORS_OK) == (errors == 0));
    cors_policy_free(policy);

    // Without a diagnostic function it comes to the same.
    CHECK(cors_policy_load(json, len, NULL, NULL, &policy) == status);
    CHECK((status == CORS_OK) == (policy != NULL));
    cors_policy_free(policy);
    return status;
}

static inline cors_status
load(const char *json)
{
    return load_bytes(json, strlen(json));
}

#endif // REPORT_H
