// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the test programs share.

#ifndef TEST_HPP
#define TEST_HPP

#include <iostream>
#include <string>

namespace test {

inline unsigned long  checks;
inline unsigned long  failures;

// What is being tested, in English, for the message.
inline std::string  title;

inline bool
check(bool condition, const char *text, int line)
{
    checks++;
    if (!condition) {
        failures++;
        std::cerr << "line " << line << ": " << title << ": not so: " << text
                  << '\n';
    }
    return condition;
}

// The exit status of main.
inline int
end()
{
    std::cout << checks << " checks\n";
    return failures == 0 && checks != 0 ? 0 : 1;
}

}  // namespace test

#define CHECK(...)  test::check((__VA_ARGS__), #__VA_ARGS__, __LINE__)

#endif  // TEST_HPP
