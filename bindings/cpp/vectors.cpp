// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The shared vectors, through cors.hpp: every file of the folder that is the
// argument. Its README.md says what they hold; wpt.json holds others.

#include "cors.hpp"
#include "test.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace {

// Keeps the order of the file, as lines and columns depend on it.
using nlohmann::ordered_json;
using nlohmann::json;

unsigned  decisions;
unsigned  policies;

void
check_same(const json &expected, const json &actual)
{
    if (!CHECK(expected == actual)) {
        std::cerr << "  expected " << expected << "\n  actual   "
                  << actual.dump(-1, ' ', true, json::error_handler_t::replace)
                  << '\n';
    }
}

json
json_of(const std::optional<std::string_view> &text)
{
    return text ? json(*text) : json();
}

json
json_of(const cors::decision &decision)
{
    json  headers = json::array();

    for (const auto &[name, value] : decision.headers) {
        headers.push_back({ name, value });
    }
    return {
        { "verdict", cors::text(decision.verdict) },
        { "reason", cors::text(decision.reason) },
        { "status", decision.status },
        { "headers", headers },
        { "culprit", json_of(decision.culprit) },
        { "pattern", json_of(decision.pattern) },
    };
}

void
check_decision(const cors::policy &policy, const ordered_json &test)
{
    cors::request  request;
    std::size_t    found = 0;
    const auto    &asked = test.at("request");
    const std::pair<const char *, std::optional<std::string_view> &>
        members[] = {
            { "method", request.method },
            { "origin", request.origin },
            { "request_method", request.request_method },
            { "request_headers", request.request_headers },
            { "host", request.host },
            { "fetch_site", request.fetch_site },
            { "upgrade", request.upgrade },
            { "scheme", request.scheme },
        };

    for (const auto &[key, member] : members) {
        if (asked.contains(key)) {
            member = asked.at(key).get_ref<const std::string &>();
            found++;
        }
    }
    CHECK(found == asked.size());
    const cors::decision  decision = policy.evaluate(request);
    CHECK(decision.error == CORS_OK);
    CHECK(!policy.explain(request).empty());
    check_same(test.at("expect"), json_of(decision));
    decisions++;
}

void
check_policy(const ordered_json &test)
{
    bool                           error = false;
    json                           expected = json::array();
    json                           actual = json::array();
    std::vector<cors::diagnostic>  told;
    const std::string              text =
        test.contains("policy_text") ? test.at("policy_text").get<std::string>()
                                     : test.at("policy").dump();

    try {
        told = cors::policy::from_json(text).warnings();
    } catch (const cors::load_error &thrown) {
        CHECK(thrown.status() == CORS_ERROR_POLICY);
        told = thrown.diagnostics();
        error = true;
    }
    for (const auto &one : told) {
        const bool  is_error = one.severity == cors::severity::error;

        CHECK(error || !is_error);
        actual.push_back({ { "severity", is_error ? "error" : "warning" },
                           { "code", one.code },
                           { "pointer", one.pointer } });
    }
    for (json diagnostic : test.at("diagnostics")) {
        if (diagnostic.contains("help")) {
            const auto  i = expected.size();

            CHECK(i < told.size() && told[i].help
                  && told[i].help->find(diagnostic.at("help"))
                         != std::string::npos);
            diagnostic.erase("help");
        }
        expected.push_back(diagnostic);
    }
    check_same(expected, actual);
    policies++;
}

void
check_file(const std::filesystem::path &path)
{
    std::ifstream  stream(path);
    const auto     file = ordered_json::parse(stream);

    test::title = path;
    if (path.filename() == "policies.json") {
        for (const auto &test : file.at("cases")) {
            test::title = test.at("name");
            check_policy(test);
        }
        return;
    }
    for (const auto &group : file.at("groups")) {
        const auto  policy =
            cors::policy::from_json(group.at("policy").dump());

        for (const auto &test : group.at("cases")) {
            test::title = test.at("name");
            check_decision(policy, test);
        }
    }
}

}  // namespace

int
main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " FOLDER-OF-VECTORS\n";
        return 2;
    }
    for (const auto &entry : std::filesystem::directory_iterator(argv[1])) {
        if (entry.path().extension() == ".json"
            && entry.path().filename() != "wpt.json")
        {
            check_file(entry.path());
        }
    }
    test::title = "the vectors are all there";
    CHECK(decisions >= 1600 && policies >= 550);
    std::cout << decisions << " decisions, " << policies << " policies, ";
    return test::end();
}
