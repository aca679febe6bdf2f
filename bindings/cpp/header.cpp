// SPDX-License-Identifier: MIT OR Apache-2.0
//
// cors.hpp alone: it needs no other header before it, can be included twice
// and in two files of one program, and promises noexcept where that is true.

#include "cors.hpp"
#include "cors.hpp"

#include "test.hpp"

#include <type_traits>

// In the other file of the program.
cors::decision elsewhere(const cors::policy &policy);

using cors::policy;

static_assert(!std::is_default_constructible_v<policy>);
static_assert(!std::is_copy_constructible_v<policy>);
static_assert(!std::is_copy_assignable_v<policy>);
static_assert(std::is_nothrow_move_constructible_v<policy>);
static_assert(std::is_nothrow_move_assignable_v<policy>);
static_assert(std::is_nothrow_destructible_v<policy>);
static_assert(noexcept(
    std::declval<const policy &>().evaluate(std::declval<cors::request>())));
static_assert(!noexcept(
    std::declval<const policy &>().explain(std::declval<cors::request>())));
static_assert(noexcept(std::declval<const policy &>().warnings()));
static_assert(noexcept(std::declval<const policy &>().get()));
static_assert(noexcept(cors::version()));
static_assert(noexcept(cors::public_suffix_list_date()));
static_assert(noexcept(cors::text(cors::verdict())));
static_assert(noexcept(cors::text(cors::reason())));

// An exception whose copy throws would end the program.
static_assert(std::is_nothrow_copy_constructible_v<cors::load_error>);

// A decision holds no memory of its own.
static_assert(std::is_trivially_copyable_v<cors::decision>);
static_assert(std::is_trivially_destructible_v<cors::decision>);

int
main()
{
    const policy  any = policy::from_json(R"({"allow_origins": ["*"]})");

    CHECK(elsewhere(any).verdict == cors::verdict::not_cors);
    CHECK(cors::version() == CORS_VERSION);
    CHECK(cors::public_suffix_list_date() == cors_public_suffix_list_date());
    CHECK(cors::public_suffix_list_date().size() == 10);
    return test::end();
}
