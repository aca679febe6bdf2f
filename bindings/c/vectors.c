// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The shared vectors, through the C ABI: every file of the folder that is
// the argument. Its README.md says what they hold; wpt.json holds others.

#include "report.h"

#include <dirent.h>
#include <jansson.h>

static unsigned  files;
static unsigned  decisions;
static unsigned  policies;
static unsigned  unknown;
static unsigned  unguarded;

// A member that has to be there, of the type that it has to have.
static json_t *
member(const json_t *object, const char *key, json_type type)
{
    json_t  *value = json_object_get(object, key);

    if (value == NULL || json_typeof(value) != type) {
        fprintf(stderr, "%s: there is no good \"%s\"\n", test_title, key);
        exit(1);
    }
    return value;
}

// NULL, as all that it is packed into, where the text is not UTF-8.
static json_t *
text_of(cors_str str)
{
    return str.ptr == NULL ? json_null() : json_stringn(str.ptr, str.len);
}

// Takes actual, which may be NULL.
static void
check_same(const json_t *expected, json_t *actual)
{
    char  *wanted, *got;

    if (!CHECK(json_equal(expected, actual))) {
        wanted = json_dumps(expected, JSON_COMPACT);
        got = json_dumps(actual, JSON_COMPACT | JSON_ENCODE_ANY);
        fprintf(stderr, "  expected %s\n  actual   %s\n", wanted,
                got != NULL ? got : "not UTF-8");
        free(wanted);
        free(got);
    }
    json_decref(actual);
}

// Absent where there is no such member; it may hold a NUL. The block ends where
// the bytes end: so valgrind and AddressSanitizer see a read beyond them, and
// nothing ends in a NUL. One byte more comes first, so that an empty string has
// an address.
static cors_str
own_member(const json_t *request, const char *key, char **block,
           size_t *found)
{
    cors_str  str = ABSENT;
    json_t   *text;

    *block = NULL;
    if (json_object_get(request, key) != NULL) {
        text = member(request, key, JSON_STRING);
        str.len = json_string_length(text);
        *block = CAST(char *, malloc(str.len + 1));
        memcpy(*block + 1, json_string_value(text), str.len);
        str.ptr = *block + 1;
        ++*found;
    }
    return str;
}

static bool
within(cors_str part, cors_str whole)
{
    return part.ptr != NULL && whole.ptr != NULL && part.ptr >= whole.ptr
           && part.ptr + part.len <= whole.ptr + whole.len;
}

// Each string points into the request, or is the library's and ends in NUL.
static void
check_lifetime(cors_str str, const cors_request *request)
{
    if (str.ptr != NULL && !within(str, request->origin)
        && !within(str, request->request_method)
        && !within(str, request->request_headers))
    {
        CHECK(str.ptr[str.len] == '\0');
    }
}

static void
check_headers(const cors_decision *decision, const cors_request *request)
{
    size_t    k;
    uint32_t  i;

    for (i = 0; i < decision->header_count; i++) {
        const cors_header  *header = &decision->headers[i];

        check_lifetime(header->name, request);
        check_lifetime(header->value, request);
        for (k = 0; k < header->value.len; k++) {
            char  byte = header->value.ptr[k];

            CHECK((byte >= 0x20 && byte < 0x7F) || byte == '\t');
        }
    }
    for (; i < CORS_HEADERS_MAX; i++) {
        CHECK(decision->headers[i].name.ptr == NULL);
        CHECK(decision->headers[i].value.ptr == NULL);
    }
}

// A decision in the form of the vectors.
static json_t *
decision_of(const cors_decision *decision)
{
    uint32_t  i;
    json_t   *headers = json_array();

    CHECK(decision->header_count <= CORS_HEADERS_MAX);
    for (i = 0; i < decision->header_count; i++) {
        const cors_header  *header = &decision->headers[i];
        json_t             *pair = json_pack("[o, o]", text_of(header->name),
                                             text_of(header->value));

        CHECK(json_array_append_new(headers, pair) == 0);
    }
    return json_pack("{s: s, s: s, s: I, s: o, s: o, s: o}",
                     "verdict", cors_verdict_text(decision->verdict),
                     "reason", cors_reason_text(decision->reason),
                     "status", CAST(json_int_t, decision->status),
                     "headers", headers,
                     "culprit", text_of(decision->culprit),
                     "pattern", text_of(decision->pattern));
}

static void
check_decision(const cors_policy *policy, bool blocks_some,
               const json_t *test)
{
    char          *blocks[8] = { NULL };
    size_t         i, found = 0;
    json_t        *asked = member(test, "request", JSON_OBJECT);
    cors_request   request = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;

    request.method = own_member(asked, "method", &blocks[0], &found);
    request.origin = own_member(asked, "origin", &blocks[1], &found);
    request.request_method =
        own_member(asked, "request_method", &blocks[2], &found);
    request.request_headers =
        own_member(asked, "request_headers", &blocks[3], &found);
#ifdef CORS_VARY_MAX
    request.host = own_member(asked, "host", &blocks[4], &found);
    request.fetch_site = own_member(asked, "fetch_site", &blocks[5], &found);
    request.upgrade = own_member(asked, "upgrade", &blocks[6], &found);
    request.scheme = own_member(asked, "scheme", &blocks[7], &found);
#else
    // Compiled with the header of 0.1: it cannot ask for more.
    if (blocks_some) {
        CHECK(cors_evaluate(policy, &request, &decision)
              == CORS_ERROR_ARGUMENT);
        unguarded++;
        goto done;
    }
    if (found != json_object_size(asked)) {
        unknown++;
        goto done;
    }
#endif
    CHECK(found == json_object_size(asked));
    (void) blocks_some;

    CHECK(cors_evaluate(policy, &request, &decision) == CORS_OK);
    check_same(member(test, "expect", JSON_OBJECT), decision_of(&decision));
    check_headers(&decision, &request);
    check_lifetime(decision.pattern, &request);
    CHECK(decision.culprit.ptr == NULL
          || within(decision.culprit, request.request_method)
          || within(decision.culprit, request.request_headers));
    decisions++;

#ifndef CORS_VARY_MAX
done:
#endif
    for (i = 0; i < COUNT(blocks); i++) {
        free(blocks[i]);
    }
}

static void
check_group(const json_t *group)
{
    char         *text;
    size_t        i;
    json_t       *tests = member(group, "cases", JSON_ARRAY);
    json_t       *json = member(group, "policy", JSON_OBJECT);
    bool          blocks_some;
    cors_policy  *policy;

    blocks_some = json_array_size(json_object_get(json, "block")) != 0;
    text = json_dumps(json, 0);
    policy = test_load(text);
    CHECK(json_array_size(tests) != 0);
    for (i = 0; i < json_array_size(tests); i++) {
        json_t  *test = json_array_get(tests, i);

        test_title = json_string_value(member(test, "name", JSON_STRING));
        check_decision(policy, blocks_some, test);
    }
    cors_policy_free(policy);
    free(text);
}

// What was reported, without the helps, in the form of the vectors.
static json_t *
reported(void)
{
    unsigned  i;
    json_t   *list = json_array();

    for (i = 0; i < calls && i < COUNT(reports); i++) {
        const report  *told = &reports[i];
        bool           error = told->severity == CORS_SEVERITY_ERROR;

        json_array_append_new(list,
                              json_pack("{s: s, s: s, s: s}", "severity",
                                        error ? "error" : "warning",
                                        "code", told->code,
                                        "pointer", told->pointer));
    }
    return list;
}

static void
check_policy(json_t *test)
{
    char    *dumped = NULL;
    size_t   i;
    json_t  *text, *expected, *help;

    test_title = json_string_value(member(test, "name", JSON_STRING));
    if (json_object_get(test, "policy_text") != NULL) {
        CHECK(json_object_get(test, "policy") == NULL);
        text = member(test, "policy_text", JSON_STRING);
        load_bytes(json_string_value(text), json_string_length(text));
    } else {
        // In the file's order.
        dumped = json_dumps(member(test, "policy", JSON_OBJECT), 0);
        load(dumped);
    }

    expected = member(test, "diagnostics", JSON_ARRAY);
    for (i = 0; i < json_array_size(expected); i++) {
        json_t  *diagnostic = json_array_get(expected, i);

        help = json_object_get(diagnostic, "help");
        if (help != NULL) {
            CHECK(i < calls && i < COUNT(reports) && json_is_string(help)
                  && strstr(reports[i].help, json_string_value(help)));
            json_object_del(diagnostic, "help");
        }
    }
    check_same(expected, reported());
    free(dumped);
    policies++;
}

static void
check_file(const char *folder, const char *name)
{
    char          path[4096];
    size_t        i;
    json_t       *file, *list;
    json_error_t  error;

    test_title = name;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = json_load_file(path, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
                          &error);
    if (file == NULL) {
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(1);
    }
    if (strcmp(name, "policies.json") == 0) {
        list = member(file, "cases", JSON_ARRAY);
        for (i = 0; i < json_array_size(list); i++) {
            check_policy(json_array_get(list, i));
        }
    } else {
        list = member(file, "groups", JSON_ARRAY);
        for (i = 0; i < json_array_size(list); i++) {
            test_title = name;
            check_group(json_array_get(list, i));
        }
    }
    test_title = name;
    CHECK(json_array_size(list) != 0);
    json_decref(file);
    files++;
}

int
main(int argc, char **argv)
{
    DIR                  *folder = argc == 2 ? opendir(argv[1]) : NULL;
    const struct dirent  *entry;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER-OF-VECTORS\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char  *end = strrchr(entry->d_name, '.');

        if (end != NULL && strcmp(end, ".json") == 0
            && strcmp(entry->d_name, "wpt.json") != 0)
        {
            check_file(argv[1], entry->d_name);
        }
    }
    closedir(folder);

    test_title = "the vectors are all there";
    CHECK(files >= 16 && policies >= 1400);
    CHECK(decisions + unknown + unguarded >= 3000);
    if (unknown != 0) {
        printf("%u decisions of members that it does not know left out, "
               "%u that it may not make refused, ", unknown, unguarded);
    }
    printf("%u decisions, %u policies, ", decisions, policies);
    return test_end();
}
