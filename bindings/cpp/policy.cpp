// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loading and its errors, what a caller gets wrong, and memory: none is taken
// by a decision, and where there is none for diagnostics a load throws and
// loses nothing.

#include "cors.hpp"
#include "test.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <random>

namespace {

unsigned long  allocations;
// How many allocations succeed before one fails; -1: all.
long           left = -1;

void *
allocate(std::size_t size)
{
    allocations++;
    if (left == 0) {
        throw std::bad_alloc();
    }
    left -= left > 0;
    if (void *block = std::malloc(size)) {
        return block;
    }
    throw std::bad_alloc();
}

}  // namespace

void *operator new(std::size_t size) { return allocate(size); }
void *operator new[](std::size_t size) { return allocate(size); }
void operator delete(void *block) noexcept { std::free(block); }
void operator delete[](void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }
void operator delete[](void *block, std::size_t) noexcept { std::free(block); }

namespace {

constexpr const char  *APP = "https://app.example.com";

constexpr const char  *GOOD = R"({
    "allow_origins": ["https://app.example.com", "https://*.example.net"],
    "allow_credentials": true,
    "allow_methods": ["*"],
    "allow_headers": ["*"],
    "max_age": 600
})";

// Two errors and a warning.
constexpr const char  *BAD = R"({
    "allow_origins": ["https://app.example.com/"],
    "allow_methods": ["PUT", "PUT"],
    "max_age": -1
})";

constexpr const char  *BLOCK = R"({
    "allow_origins": ["https://app.example.com"],
    "block": ["unsafe_methods", "websockets"]
})";

cors::request
preflight()
{
    cors::request  request;

    request.method = "OPTIONS";
    request.origin = APP;
    request.request_method = "UNLOCK";
    request.request_headers = "x-a";
    return request;
}

template <typename Load>
std::optional<cors::load_error>
error_of(Load load)
{
    try {
        load();
    } catch (const cors::load_error &error) {
        return error;
    }
    return std::nullopt;
}

void
test_warnings()
{
    test::title = "a policy that loads has its warnings";
    const auto  quiet = cors::policy::from_json(GOOD);
    CHECK(quiet.warnings().empty());

    const auto  policy = cors::policy::from_json(
        "{\n  \"allow_origins\": [\"http://a.example\","
        " \"http://a.example\"]\n}");
    if (CHECK(!policy.warnings().empty())) {
        const cors::diagnostic &first = policy.warnings().front();

        CHECK(first.severity == cors::severity::warning);
        CHECK(first.line == 2);
        CHECK(first.text().find("line 2, column ") == 0);
        CHECK(first.text().find(": warning: ") != std::string::npos);
    }
}

void
test_errors()
{
    test::title = "a policy that is refused throws all diagnostics";
    const auto  error = error_of([] { cors::policy::from_json(BAD); });
    if (!CHECK(error.has_value())) {
        return;
    }
    CHECK(error->status() == CORS_ERROR_POLICY);
    CHECK(error->os_error() == 0);
    const auto &all = error->diagnostics();
    if (CHECK(all.size() == 3)) {
        CHECK(all[0].severity == cors::severity::error);
        CHECK(all[0].code == "origin-trailing-slash");
        CHECK(all[0].pointer == "/allow_origins/0");
        CHECK(all[0].line == 2 && all[0].column == 23);
        CHECK(all[0].help && all[0].help->find(APP) != std::string::npos);
        CHECK(all[0].text() == "line 2, column 23: " + all[0].message + "; "
                                   + *all[0].help
                                   + " [origin-trailing-slash]");
        CHECK(all[1].severity == cors::severity::warning);
        CHECK(all[2].line == 4);
        CHECK(error->what() == all[0].text() + " (and 2 more)");
    }

    test::title = "the first error is told, not the warning before it";
    const auto  later = error_of([] {
        cors::policy::from_json("{\n\"allow_origins\": [\"https://a.example\","
                                " \"https://a.example\"],\n\"max_age\": -1}");
    });
    if (CHECK(later && later->diagnostics().size() == 2)) {
        CHECK(later->diagnostics()[0].severity == cors::severity::warning);
        CHECK(later->what()
              == later->diagnostics()[1].text() + " (and 1 more)");
    }

    test::title = "one error, and more than can be told";
    const auto  one = error_of([] { cors::policy::from_json("{}"); });
    if (CHECK(one && one->diagnostics().size() == 1)) {
        CHECK(one->what() == one->diagnostics()[0].text());
    }
    std::string  many = "{\"allow_origins\": [\"/\"";
    for (int i = 0; i < 200; i++) {
        many += ", \"/" + std::to_string(i) + "\"";
    }
    const auto  most = error_of([&] { cors::policy::from_json(many + "]}"); });
    if (CHECK(most && most->diagnostics().size() == CORS_DIAGNOSTICS_MAX)) {
        CHECK(most->diagnostics().back().code == "more");
        CHECK(most->what()
              == most->diagnostics()[0].text() + " (and at least 98 more)");
    }

    test::title = "texts that are no policy";
    for (std::string_view json : { std::string_view(), std::string_view(""),
                                   std::string_view("{}"),
                                   std::string_view("\xFF", 1),
                                   std::string_view(GOOD, 10) })
    {
        const auto  other =
            error_of([&] { cors::policy::from_json(json); });
        CHECK(other && other->status() == CORS_ERROR_POLICY
              && !other->diagnostics().empty());
    }

    test::title = "a text ends where its view says, not at a NUL";
    std::string  longer = GOOD;
    longer.push_back('\0');
    CHECK(error_of([&] { cors::policy::from_json(longer); }).has_value());
}

void
test_files()
{
    test::title = "a file that cannot be read";
    auto  error = error_of([] { cors::policy::from_file("missing.json"); });
    CHECK(error && error->status() == CORS_ERROR_IO);
    CHECK(error && error->os_error() == ENOENT);
    CHECK(error && error->diagnostics().size() == 1);
    const auto  here = std::filesystem::current_path();
    CHECK(error
          && error->what() == (here / "missing.json").string()
                                  + ": No such file or directory [io]");
    error = error_of([] { cors::policy::from_file("/missing/x.json"); });
    CHECK(error
          && error->what() == std::string("/missing/x.json: No such file or "
                                          "directory [io]"));

    error = error_of([] { cors::policy::from_file("."); });
    CHECK(error && error->os_error() == EINVAL);

    test::title = "an empty path";
    error = error_of([] { cors::policy::from_file(""); });
    CHECK(error && error->status() == CORS_ERROR_IO);
    CHECK(error
          && error->what() == std::string("No such file or directory [io]"));

    test::title = "a working directory that is gone";
    const auto  gone = std::filesystem::temp_directory_path()
                      / ("cors-" + std::to_string(std::random_device()()));
    std::filesystem::create_directory(gone);
    std::filesystem::current_path(gone);
    std::filesystem::remove(gone);
    error = error_of([] { cors::policy::from_file("missing.json"); });
    CHECK(error
          && error->what()
                 == std::string("missing.json: No such file or directory "
                                "[io]"));
    std::filesystem::current_path(here);

    test::title = "a bad file is named, with its first error";
    const auto  bad = std::filesystem::temp_directory_path()
                     / ("cors-" + std::to_string(std::random_device()()));
    std::ofstream(bad) << BAD;
    error = error_of([&] { cors::policy::from_file(bad.c_str()); });
    if (CHECK(error && error->diagnostics().size() == 3)) {
        CHECK(error->what() == bad.string() + ": "
                                   + error->diagnostics()[0].text()
                                   + " (and 2 more)");
        CHECK(std::string(error->what()).find(": line 2, column 23: ")
              != std::string::npos);
    }

    test::title = "where there is no memory, a bad file throws";
    bool  thrown = true;
    for (long most = 0; thrown && most < 1000; most++) {
        thrown = false;
        left = most;
        try {
            cors::policy::from_file(bad.c_str());
        } catch (const std::bad_alloc &) {
            thrown = true;
        } catch (const cors::load_error &) {
        }
        left = -1;
    }
    CHECK(!thrown);
    std::filesystem::remove(bad);

    test::title = "NULL for a path";
    error = error_of([] { cors::policy::from_file(nullptr); });
    CHECK(error && error->status() == CORS_ERROR_ARGUMENT);
    CHECK(error && error->diagnostics().empty());
    CHECK(error && error->what() == std::string("bad argument"));

    test::title = "a file that can be read";
    const auto  path = std::filesystem::temp_directory_path()
                      / ("cors-" + std::to_string(std::random_device()()));
    std::ofstream(path) << GOOD;
    const auto  policy = cors::policy::from_file(path.c_str());
    std::filesystem::remove(path);
    CHECK(policy.evaluate(preflight()).verdict
          == cors::verdict::preflight_allowed);
}

void
test_moves()
{
    test::title = "a policy that was moved from permits nothing";
    auto        first = cors::policy::from_json(GOOD);
    const auto  second = std::move(first);
    CHECK(second.get() != nullptr);
    CHECK(second.evaluate(preflight()).status == 204);

    // NOLINTNEXTLINE: this is what is tested.
    const auto  denied = first.evaluate(preflight());
    CHECK(first.get() == nullptr);
    CHECK(denied.error == CORS_ERROR_ARGUMENT);
    CHECK(denied.verdict == cors::verdict::refused);
    CHECK(denied.status == 0);
    CHECK(denied.headers.size() == 1
          && denied.headers.begin()->name == "vary");
    CHECK(!denied.culprit && !denied.pattern);
    CHECK(first.explain(preflight()).empty());

    test::title = "after an error the next load is a policy";
    first = cors::policy::from_json(GOOD);
    CHECK(error_of([&] { first = cors::policy::from_json(BAD); })
              .has_value());
    CHECK(first.evaluate(preflight()).status == 204);

    test::title = "a decision that no policy made permits nothing";
    const cors::decision  none;
    CHECK(none.verdict == cors::verdict::refused && none.status == 0
          && none.headers.size() == 0);
}

void
test_requests()
{
    const auto     policy = cors::policy::from_json(GOOD);
    cors::request  request;

    test::title = "absent, empty, and a view without an address";
    CHECK(policy.evaluate(request).verdict == cors::verdict::not_cors);
    request.origin = "";
    CHECK(policy.evaluate(request).reason == cors::reason::origin_malformed);
    request.origin = std::string_view();
    CHECK(policy.evaluate(request).reason == cors::reason::origin_malformed);

    test::title = "a NUL is a byte like another";
    const std::string  origin("https://app.example.com\0.evil", 29);
    request.origin = origin;
    CHECK(policy.evaluate(request).reason == cors::reason::origin_malformed);

    test::title = "a length that no object has";
    request.origin = std::string_view(APP, SIZE_MAX);
    const auto  denied = policy.evaluate(request);
    CHECK(denied.error == CORS_ERROR_ARGUMENT && denied.headers.size() == 1);
    CHECK(policy.explain(request).empty());

    test::title = "what is echoed shows the request's bytes, culprits too";
    request = preflight();
    request.request_headers = "x-a, Cookie";
    const auto  refused = policy.evaluate(request);
    CHECK(refused.verdict == cors::verdict::preflight_refused);
    CHECK(refused.culprit && *refused.culprit == "Cookie");
    CHECK(refused.culprit
          && refused.culprit->data() == request.request_headers->data() + 5);
    CHECK(refused.pattern && *refused.pattern == APP);
    for (const auto &[name, value] : refused.headers) {
        CHECK(name != "access-control-allow-origin"
              || value.data() == request.origin->data());
    }

    test::title = "in words";
    const std::string  words = policy.explain(request);
    CHECK(words.find("Cookie") != std::string::npos);
    CHECK(words.find('\0') == std::string::npos);
    CHECK(cors::text(refused.verdict) == "preflight_refused");
    CHECK(cors::text(refused.reason) == "header_not_allowed");
    CHECK(cors::text(static_cast<cors::verdict>(99)) == "unknown");
}

bool
is_blocked(const cors::decision &decision)
{
    const cors::header_list &headers = decision.headers;

    return decision.verdict == cors::verdict::blocked
           && decision.status == 403 && headers.size() == 2
           && headers.begin()[0].name == "vary"
           && headers.begin()[0].value == "origin"
           && headers.begin()[1].name == "cache-control"
           && headers.begin()[1].value == "no-store";
}

void
test_block()
{
    auto           policy = cors::policy::from_json(BLOCK);
    cors::request  request;

    test::title = "each of the members since 0.2 has its effect";
    request.method = "POST";
    request.origin = "http://site.example";
    CHECK(is_blocked(policy.evaluate(request)));
    CHECK(policy.evaluate(request).reason
          == cors::reason::origin_not_allowed);
    request.host = "SITE.example:80";
    CHECK(policy.evaluate(request).verdict == cors::verdict::same_origin);
    request.scheme = "https";
    CHECK(is_blocked(policy.evaluate(request)));
    request.fetch_site = "same-origin";
    CHECK(policy.evaluate(request).verdict == cors::verdict::same_origin);
    request.origin.reset();
    request.fetch_site = "cross-site";
    CHECK(is_blocked(policy.evaluate(request)));
    CHECK(policy.evaluate(request).reason == cors::reason::cross_site);
    request.method = "GET";
    CHECK(policy.evaluate(request).verdict == cors::verdict::not_cors);
    request.upgrade = "websocket";
    CHECK(is_blocked(policy.evaluate(request)));
    request.origin = APP;
    CHECK(policy.evaluate(request).verdict == cors::verdict::allowed);

    test::title = "empty is not absent";
    request = {};
    request.method = "POST";
    CHECK(policy.evaluate(request).verdict == cors::verdict::not_cors);
    request.fetch_site = "";
    CHECK(is_blocked(policy.evaluate(request)));
    request.fetch_site = std::string_view();
    CHECK(is_blocked(policy.evaluate(request)));

    test::title = "what fails is blocked, unless it only reads";
    const std::string_view  impossible(APP, SIZE_MAX);
    request = {};
    request.origin = impossible;
    CHECK(is_blocked(policy.evaluate(request)));
    for (const char *method : { "POST", "DELETE", "get", "" }) {
        request.method = method;
        const auto  failed = policy.evaluate(request);
        CHECK(failed.error == CORS_ERROR_ARGUMENT && is_blocked(failed));
        CHECK(policy.explain(request).empty());
    }
    for (const char *method : { "GET", "HEAD", "OPTIONS" }) {
        request.method = method;
        const auto  failed = policy.evaluate(request);
        CHECK(failed.error == CORS_ERROR_ARGUMENT);
        CHECK(failed.verdict == cors::verdict::refused && failed.status == 0);
    }

    test::title = "an Upgrade that cannot be read may be a WebSocket's";
    request.method = "GET";
    request.origin = "null";
    request.upgrade = impossible;
    CHECK(policy.evaluate(request).error == CORS_ERROR_ARGUMENT);
    CHECK(is_blocked(policy.evaluate(request)));

    test::title = "a short struct, for the policy of cors.h";
    cors_request   shorter = CORS_REQUEST_INIT;
    cors_decision  decision = CORS_DECISION_INIT;
    shorter.size = offsetof(cors_request, host);
    shorter.method = { "POST", 4 };
    CHECK(cors_evaluate(policy.get(), &shorter, &decision)
          == CORS_ERROR_ARGUMENT);
    CHECK(decision.verdict == CORS_VERDICT_BLOCKED && decision.status == 403);

    test::title = "a policy that was moved from says that it cannot block";
    const auto  other = std::move(policy);
    request = {};
    request.method = "POST";
    request.origin = "null";
    CHECK(is_blocked(other.evaluate(request)));
    // NOLINTNEXTLINE: this is what is tested.
    const auto  none = policy.evaluate(request);
    CHECK(none.error == CORS_ERROR_ARGUMENT);
    CHECK(none.verdict == cors::verdict::refused && none.status == 0);
}

void
test_vary()
{
    const std::string  all = "origin, access-control-request-method, "
                             "access-control-request-headers";

    test::title = "what a Vary does not list yet";
    CHECK(cors::vary_missing("", "origin") == "origin");
    CHECK(cors::vary_missing({}, "origin") == "origin");
    CHECK(cors::vary_missing("Accept, Origin", "origin").empty());
    CHECK(cors::vary_missing("*", all).empty());
    CHECK(cors::vary_missing("Access-Control-Request-Method", all)
          == "origin, access-control-request-headers");
    CHECK(cors::vary_missing("origin", {}).empty());
    const std::string  longer(CORS_VARY_MAX, 'a');
    CHECK(cors::vary_missing("origin", longer) == longer);
}

void
test_memory()
{
    const auto     policy = cors::policy::from_json(GOOD);
    const auto     request = preflight();
    unsigned long  before = allocations;

    test::title = "a decision allocates nothing";
    unsigned long  headers = 0;
    for (int i = 0; i < 10000; i++) {
        headers += policy.evaluate(request).headers.size();
    }
    CHECK(allocations == before);
    CHECK(headers == 60000 + 10000);

    test::title = "where there is no memory, a load throws and loses nothing";
    for (const char *json : { GOOD, BAD }) {
        bool  thrown = true;

        for (long most = 0; thrown && most < 1000; most++) {
            thrown = false;
            left = most;
            try {
                cors::policy::from_json(json);
            } catch (const std::bad_alloc &) {
                thrown = true;
            } catch (const cors::load_error &) {
            }
            left = -1;
        }
        CHECK(!thrown);
    }
}

}  // namespace

int
main()
{
    test_warnings();
    test_errors();
    test_files();
    test_moves();
    test_requests();
    test_block();
    test_vary();
    test_memory();
    return test::end();
}
