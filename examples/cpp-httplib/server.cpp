// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A server all of whose responses a CORS policy governs: server POLICY [PORT]
//   c++ server.cpp $(pkg-config --cflags --libs libcors cpp-httplib)

#include <cors.hpp>
#include <httplib.h>
#include <iostream>

namespace {

// The lines of a header, joined with commas.
template <typename Message>
std::optional<std::string>
line(const Message &message, const char *name)
{
    std::optional<std::string>  joined;
    const auto [begin, end] = message.headers.equal_range(name);
    for (auto it = begin; it != end; ++it) {
        joined = joined ? *joined + "," + it->second : it->second;
    }
    if (joined) {
        joined->erase(joined->find_last_not_of(" \t") + 1);
    }
    return joined;
}

// On every response: its own CORS headers go, the policy's come, and of Vary
// only what the response does not list yet. Timing-Allow-Origin goes only if
// the policy has one.
void
govern(httplib::Response &response, const cors::decision &decision)
{
    auto &headers = response.headers;
    for (auto it = headers.begin(); it != headers.end();) {
        it = strncasecmp(it->first.c_str(), "access-control-", 15) == 0
                 ? headers.erase(it) : std::next(it);
    }
    const auto  vary = line(response, "Vary").value_or("");
    for (const auto &[name, value] : decision.headers) {
        if (name == "timing-allow-origin") {
            headers.erase("timing-allow-origin");
        }
        if (name != "vary") {
            headers.emplace(name, value);
        } else if (auto missing = cors::vary_missing(vary, value);
                   !missing.empty()) {
            headers.emplace("vary", missing);
        }
    }
}

}  // namespace

int
main(int argc, char **argv)
try {
    const int   asked = argc == 3 ? std::stoi(argv[2]) : 8080;
    const auto  policy = cors::policy::from_file(argc > 1 ? argv[1] : "");
    for (const auto &warning : policy.warnings()) {
        std::cerr << warning.text() << '\n';
    }
    // A decision lives no longer than the strings that the request showed.
    const auto  decide = [&](const httplib::Request &from, auto use) {
        const auto  origin = line(from, "Origin");
        const auto  method = line(from, "Access-Control-Request-Method");
        const auto  headers = line(from, "Access-Control-Request-Headers");
        const auto  host = line(from, "Host");
        const auto  fetch_site = line(from, "Sec-Fetch-Site");
        const auto  upgrade = line(from, "Upgrade");
        return use(policy.evaluate({ from.method, origin, method, headers,
                                     host, fetch_site, upgrade }));
    };
    httplib::Server  server;
    // One request for each connection: httplib does not read the body of a
    // request that is answered before routing, and would take what is left of
    // it for the next request.
    server.set_keep_alive_max_count(1);
    // Before all else, so that a preflight is answered at once, and what is
    // blocked does not reach the application.
    const auto  respond = [&](const httplib::Request &from,
                              httplib::Response &response) {
        return decide(from, [&](const cors::decision &decision) {
            if (decision.error != CORS_OK) {
                std::cerr << "cors_evaluate: "
                          << cors_status_text(decision.error) << '\n';
            }
            std::cerr << "decided " << cors::text(decision.verdict) << ' '
                      << cors::text(decision.reason) << std::endl;
            if (decision.verdict == cors::verdict::blocked) {
                response.set_content(CORS_BLOCKED_BODY, "text/plain");
            }
            return int(decision.status);
        });
    };
    server.set_pre_routing_handler([&](const auto &from, auto &response) {
        if (const int status = respond(from, response); status != 0) {
            response.status = status;
            return httplib::Server::HandlerResponse::Handled;
        }
        std::cerr << "reached " << from.method << ' ' << from.path
                  << std::endl;
        return httplib::Server::HandlerResponse::Unhandled;
    });
    // The client waits with the body: it need not send one that is blocked.
    server.set_expect_100_continue_handler(
        [&](const auto &from, auto &response) {
            const int  status = respond(from, response);
            return status != 0 ? response.status = status : 100;
        });
    // After all else, for the errors that httplib makes itself too.
    server.set_post_routing_handler([&](const auto &from, auto &response) {
        decide(from, [&](const cors::decision &decision) {
            govern(response, decision);
        });
    });
    // An application with CORS headers of its own, none of which gets through.
    // The others do, unless the policy has them.
    server.Get("/items", [](const auto &, auto &response) {
        response.headers = {
            { "Access-Control-Allow-Origin", "https://evil.example" },
            { "Access-Control-Allow-Private-Network", "true" },
            { "Timing-Allow-Origin", "https://evil.example" },
            { "TIMING-ALLOW-ORIGIN", "*" },
            { "Vary", "Accept-Encoding, Origin" },
        };
        response.set_content("[]\n", "application/json");
    });
    server.Get("/health", [](const auto &, auto &response) {
        response.set_content("ok\n", "text/plain");
    });
    server.Get("/secret", [](const auto &, auto &r) { r.status = 401; });
    server.Get("/fault", [](const auto &, auto &r) { r.status = 500; });
    const int  port = asked == 0 ? server.bind_to_any_port("127.0.0.1")
                    : server.bind_to_port("127.0.0.1", asked) ? asked : -1;
    std::cout << "http://127.0.0.1:" << port << "/" << std::endl;
    return server.listen_after_bind() ? 0 : 1;
} catch (const cors::load_error &error) {
    std::cerr << error.what() << '\n';
    for (const auto &one : error.diagnostics()) {
        std::cerr << "  " << one.text() << '\n';
    }
    return 1;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
