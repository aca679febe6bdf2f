// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Eight threads decide; a ninth loads policies, and frees those that no
// request uses any more, as the header says that a server swaps them.

#include "cors.hpp"
#include "test.hpp"

#include <mutex>
#include <thread>

namespace {

constexpr int  THREADS = 8;
constexpr int  SWAPS = 200;

// It guards the references too, which would need no lock: helgrind knows what
// a mutex orders, not what a reference count does.
std::mutex                           lock;
std::shared_ptr<const cors::policy>  current;
bool                                 done;

std::shared_ptr<const cors::policy>
load(const std::string &exposed)
{
    return std::make_shared<const cors::policy>(cors::policy::from_json(
        R"({"allow_origins": ["https://*.example.com"], "expose_headers": [")"
        + exposed + R"("]})"));
}

// Returns how many answers were wrong. The name of the policy is in its
// answer: it has to be one of the two, and whole.
unsigned
work()
{
    unsigned       wrong = 0;
    cors::request  request;

    request.method = "GET";
    request.origin = "https://app.example.com";
    for (;;) {
        std::shared_ptr<const cors::policy>  policy;
        {
            const std::lock_guard<std::mutex>  guard(lock);

            if (done) {
                return wrong;
            }
            policy = current;
        }
        const cors::decision  decision = policy->evaluate(request);
        std::string           all;

        for (const auto &[name, value] : decision.headers) {
            all.append(name).append("=").append(value).append(";");
        }
        const auto  made = [](const std::string &exposed) {
            return "access-control-allow-origin=https://app.example.com;"
                   "access-control-expose-headers=" + exposed
                   + ";vary=origin;";
        };
        wrong += all != made("x-even") && all != made("x-odd");
        wrong += decision.pattern != "https://*.example.com";

        const std::lock_guard<std::mutex>  guard(lock);
        policy.reset();
    }
}

}  // namespace

int
main()
{
    unsigned                  wrong[THREADS] = {};
    std::vector<std::thread>  threads;

    test::title = "policies are swapped while requests run";
    current = load("x-even");
    for (unsigned &own : wrong) {
        threads.emplace_back([&own] { own = work(); });
    }
    for (int i = 0; i < SWAPS; i++) {
        auto  next = load(i % 2 == 0 ? "x-odd" : "x-even");

        const std::lock_guard<std::mutex>  guard(lock);
        current = std::move(next);
    }
    {
        const std::lock_guard<std::mutex>  guard(lock);

        done = true;
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (unsigned own : wrong) {
        CHECK(own == 0);
    }
    return test::end();
}
