// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The second file of the program of header.cpp.

#include "cors.hpp"

cors::decision elsewhere(const cors::policy &policy);

cors::decision
elsewhere(const cors::policy &policy)
{
    return policy.evaluate({});
}
