// SPDX-License-Identifier: MIT OR Apache-2.0
//
// libcors for C++17: cors.h with destructors, exceptions and string views.
// Everything is in this file and in cors.h; link as for C.
//
// A host does this, once at start:
//
//     const auto policy = cors::policy::from_file("cors.json");
//
// which throws a cors::load_error: its what() names the file and its first
// error, and its diagnostics() are all of them. And this for each request,
// whatever status the response will have:
//
//     cors::request request;            // nothing is present
//     request.method = ...;
//     request.origin = ...;
//     request.request_method = ...;     // Access-Control-Request-Method
//     request.request_headers = ...;    // Access-Control-Request-Headers
//     const cors::decision decision = policy.evaluate(request);
//
//     remove_headers(response, "access-control-*");
//     for (const auto &[name, value] : decision.headers) {
//         add_header(response, name, value);
//     }
//     if (decision.status != 0) {
//         answer_now(response, decision.status);    // a preflight: no body
//     }
//
// The host's three duties, what it has to join and strip, and what may be
// appended in later versions stand at the top of cors.h, and hold here.
//
// Memory: what a decision's string views show lives as long as the policy and
// the buffers that the request showed. They do not end in a NUL.
//
// Threads: any number of threads may call the const functions of one policy.
// To swap a policy while requests run, keep it in a
// std::shared_ptr<const cors::policy>, of which each request takes a copy.
//
// Exceptions: none crosses the C functions. What is noexcept is marked so.

#ifndef CORS_HPP
#define CORS_HPP

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cors.h"

namespace cors {

/// The kinds of decision. Later versions may append some: act on status and
/// headers.
enum class verdict : std::int32_t {
    /// The request has no Origin.
    not_cors = CORS_VERDICT_NOT_CORS,
    /// An actual request whose response the origin may read.
    allowed = CORS_VERDICT_ALLOWED,
    /// An actual request that gets no permission header. It is not blocked;
    /// CORS_VERDICT_REFUSED in cors.h says what that means.
    refused = CORS_VERDICT_REFUSED,
    /// A preflight; answer it with status.
    preflight_allowed = CORS_VERDICT_PREFLIGHT_ALLOWED,
    /// A preflight; answer it with status: the browser will not send the
    /// request that it asked for.
    preflight_refused = CORS_VERDICT_PREFLIGHT_REFUSED,
};

/// Why a decision refuses. Later versions may append some.
enum class reason : std::int32_t {
    /// Nothing was refused.
    none = CORS_REASON_NONE,
    /// No pattern of the policy matches the origin.
    origin_not_allowed = CORS_REASON_ORIGIN_NOT_ALLOWED,
    /// Origin is not one serialized origin, or too long.
    origin_malformed = CORS_REASON_ORIGIN_MALFORMED,
    /// The requested method is not allowed; culprit names it.
    method_not_allowed = CORS_REASON_METHOD_NOT_ALLOWED,
    /// Access-Control-Request-Method is not a token, or too long.
    method_malformed = CORS_REASON_METHOD_MALFORMED,
    /// A requested header is not allowed; culprit names the first one.
    header_not_allowed = CORS_REASON_HEADER_NOT_ALLOWED,
    /// Access-Control-Request-Headers is not a list of tokens, or too long.
    headers_malformed = CORS_REASON_HEADERS_MALFORMED,
};

/// Whether a diagnostic keeps the policy from loading.
enum class severity : std::int32_t {
    /// The policy is refused.
    error = CORS_SEVERITY_ERROR,
    /// The policy loads.
    warning = CORS_SEVERITY_WARNING,
};

/// The name of a verdict, "preflight_allowed"; "unknown" for any other value.
inline std::string_view
text(verdict value) noexcept
{
    return cors_verdict_text(static_cast<int>(value));
}

/// The name of a reason, "origin_not_allowed"; "unknown" for any other value.
inline std::string_view
text(reason value) noexcept
{
    return cors_reason_text(static_cast<int>(value));
}

/// The version of the library that is running, "MAJOR.MINOR.PATCH".
/// CORS_VERSION is the one that the caller was compiled with.
inline std::string_view
version() noexcept
{
    return cors_version();
}

/// The date of the public suffix list that is built in, "2026-10-22".
inline std::string_view
public_suffix_list_date() noexcept
{
    return cors_public_suffix_list_date();
}

/// One thing that is wrong or doubtful in a policy. The texts are one
/// printable line each, in UTF-8.
struct diagnostic {
    /// Whether the policy is refused for it.
    cors::severity severity;
    /// Where, from 1; 0 where there is no place in the file.
    std::uint32_t line;
    /// The character in the line, from 1; 0 where there is none.
    std::uint32_t column;
    /// What kind, stable from release to release: "origin-trailing-slash".
    std::string code;
    /// Where, as a JSON pointer (RFC 6901): "/allow_origins/2".
    std::string pointer;
    /// What is wrong.
    std::string message;
    /// What to write instead; absent where the library cannot tell.
    std::optional<std::string> help;

    /// All of it on one line, without its end:
    /// line 2, column 21: message; help [code]
    std::string
    text() const
    {
        std::string line_of_text;
        if (line != 0) {
            line_of_text += "line " + std::to_string(line) + ", column "
                            + std::to_string(column) + ": ";
        }
        if (severity == cors::severity::warning) {
            line_of_text += "warning: ";
        }
        line_of_text += message;
        if (help) {
            line_of_text += "; " + *help;
        }
        return line_of_text + " [" + code + "]";
    }
};

/// A policy that was not loaded. what() is one line:
///
///     /etc/cors.json: line 2, column 21: message; help [code] (and 2 more)
///
/// with the whole path of the file, or none if the policy was not a file; the
/// first error; and how many more errors and warnings diagnostics() has.
class load_error : public std::runtime_error {
public:
    /// `os_error` is errno where `status` is CORS_ERROR_IO. `file` is the
    /// policy's file, empty where it was none.
    load_error(cors_status status, int os_error,
               std::vector<diagnostic> diagnostics,
               const std::string &file = {}) :
        std::runtime_error(line(status, diagnostics, file)),
        status_(status),
        os_error_(status == CORS_ERROR_IO ? os_error : 0),
        diagnostics_(std::make_shared<const std::vector<diagnostic>>(
            std::move(diagnostics)))
    {
    }

    /// CORS_ERROR_POLICY, _IO, _ARGUMENT or _INTERNAL: see cors.h.
    cors_status status() const noexcept { return status_; }

    /// The system's errno where the file could not be read, else 0.
    int os_error() const noexcept { return os_error_; }

    /// Every error and warning, in the order of the file; at most
    /// CORS_DIAGNOSTICS_MAX, the last of which may have the code "more". They
    /// live as long as this exception, or a copy of it.
    const std::vector<diagnostic> &
    diagnostics() const noexcept
    {
        return *diagnostics_;
    }

private:
    static std::string
    line(cors_status status, const std::vector<diagnostic> &diagnostics,
         const std::string &file)
    {
        const auto  first = std::find_if(
            diagnostics.begin(), diagnostics.end(),
            [](const diagnostic &one) {
                return one.severity == cors::severity::error;
            });
        std::string  all = file;

        if (!all.empty()) {
            all += ": ";
        }
        if (first == diagnostics.end()) {
            return all + cors_status_text(status);
        }
        all += first->text();
        if (diagnostics.size() > 1) {
            const bool  cut = diagnostics.back().code == "more";

            all += " (and " + std::string(cut ? "at least " : "")
                   + std::to_string(diagnostics.size() - (cut ? 2 : 1))
                   + " more)";
        }
        return all;
    }

    cors_status                                     status_;
    int                                             os_error_;
    // Shared, so that a copy of the exception cannot throw.
    std::shared_ptr<const std::vector<diagnostic>>  diagnostics_;
};

/// What a decision depends on. Absent and empty differ; an absent or empty
/// method is not OPTIONS. Several lines of one header are joined with commas,
/// and spaces and tabs around a value stripped, by the caller.
struct request {
    /// The request's method, in its own case.
    std::optional<std::string_view> method;
    /// Origin. Several lines, joined, are malformed, as they have to be.
    std::optional<std::string_view> origin;
    /// Access-Control-Request-Method.
    std::optional<std::string_view> request_method;
    /// Access-Control-Request-Headers.
    std::optional<std::string_view> request_headers;
    /// Host, or :authority, as the client sent it. Since 0.2, like the members
    /// below; cors.h says more. This version does not use them yet.
    std::optional<std::string_view> host = std::nullopt;
    /// Sec-Fetch-Site.
    std::optional<std::string_view> fetch_site = std::nullopt;
    /// Upgrade.
    std::optional<std::string_view> upgrade = std::nullopt;
    /// "http" or "https", if it is known.
    std::optional<std::string_view> scheme = std::nullopt;
};

/// One response header.
struct header {
    /// In lower case.
    std::string_view name;
    /// Visible ASCII, spaces and tabs.
    std::string_view value;
};

/// The headers that a response gets. A name can come twice.
class header_list {
public:
    /// The first header.
    const header *begin() const noexcept { return headers_.data(); }
    /// One past the last.
    const header *end() const noexcept { return begin() + size_; }
    /// How many; CORS_HEADERS_MAX at most.
    std::size_t size() const noexcept { return size_; }

private:
    friend class policy;

    std::array<header, CORS_HEADERS_MAX>  headers_;
    std::size_t                           size_ = 0;
};

/// A decision. One that was not made by a policy permits nothing.
struct decision {
    /// What kind of request it is, and whether it gets permission.
    cors::verdict verdict = cors::verdict::refused;
    /// Why not.
    cors::reason reason = cors::reason::none;
    /// Where not 0: answer now, with this HTTP status and no body.
    std::uint32_t status = 0;
    /// The headers to add, on every status.
    header_list headers;
    /// The method or header name that was not allowed, else absent.
    std::optional<std::string_view> culprit;
    /// The policy's pattern that the origin matched, else absent.
    std::optional<std::string_view> pattern;
    /// CORS_OK; anything else is a failed call, a fault to be logged. The
    /// decision then permits nothing, and is acted on like any other.
    cors_status error = CORS_OK;
};

/// A loaded policy. It never changes. One that was moved from permits
/// nothing: its decisions have the error CORS_ERROR_ARGUMENT.
class policy {
public:
    /// Loads a policy from JSON (UTF-8, CORS_POLICY_MAX bytes at most); the
    /// bytes are not needed afterwards. Throws load_error where the policy is
    /// refused, std::bad_alloc where there is no memory for the diagnostics
    /// (where there is none for the policy, the process is aborted).
    static policy
    from_json(std::string_view json)
    {
        return load(nullptr, [&](cors_diagnostic_fn report, void *context,
                                 cors_policy **made) {
            return cors_policy_load(json.data(), json.size(), report, context,
                                    made);
        });
    }

    /// Loads a policy from the regular file at `path`, a NUL-terminated
    /// string. As from_json; the load_error of a file that cannot be read has
    /// the status CORS_ERROR_IO and an os_error.
    static policy
    from_file(const char *path)
    {
        return load(path, [&](cors_diagnostic_fn report, void *context,
                              cors_policy **made) {
            return cors_policy_load_file(path, report, context, made);
        });
    }

    /// What is doubtful in the policy, in the order of the file; at most
    /// CORS_DIAGNOSTICS_MAX, the last of which may have the code "more".
    const std::vector<diagnostic> &
    warnings() const noexcept
    {
        return warnings_;
    }

    /// Decides (Fetch standard, "CORS protocol"). It allocates nothing, takes
    /// no lock and makes no system call; its time is linear in the request's
    /// bytes, within the bounds of cors.h.
    cors::decision
    evaluate(const request &asked) const noexcept
    {
        const cors_request  request = borrow(asked);
        cors_decision       made = CORS_DECISION_INIT;
        cors::decision      decision;

        decision.error = cors_evaluate(get(), &request, &made);
        decision.verdict = static_cast<cors::verdict>(made.verdict);
        decision.reason = static_cast<cors::reason>(made.reason);
        decision.status = made.status;
        for (const cors_header &one : made.headers) {
            if (decision.headers.size_ == made.header_count) {
                break;
            }
            decision.headers.headers_[decision.headers.size_++] = {
                view(one.name).value_or(""), view(one.value).value_or("")
            };
        }
        decision.culprit = view(made.culprit);
        decision.pattern = view(made.pattern);
        return decision;
    }

    /// The decision in words, for people: one line of printable ASCII, other
    /// bytes escaped. Empty where evaluate's decision would have an error.
    /// Unlike evaluate, this allocates, and may throw std::bad_alloc.
    std::string
    explain(const request &asked) const
    {
        const cors_request  request = borrow(asked);
        std::string         words(cors_explain(get(), &request, nullptr, 0),
                                  '\0');

        // The NUL that comes with it falls on the string's own.
        cors_explain(get(), &request, words.data(), words.size() + 1);
        return words;
    }

    /// The policy for the functions of cors.h; it stays this object's.
    const cors_policy *get() const noexcept { return handle_.get(); }

private:
    struct release {
        void
        operator()(cors_policy *policy) const noexcept
        {
            cors_policy_free(policy);
        }
    };

    // What the diagnostic function was told, and what it could not keep.
    struct collected {
        std::vector<diagnostic>  diagnostics;
        std::exception_ptr       failure;
    };

    using handle = std::unique_ptr<cors_policy, release>;

    policy(handle made, std::vector<diagnostic> warnings) noexcept :
        handle_(std::move(made)), warnings_(std::move(warnings))
    {
    }

    template <typename Load>
    static policy
    load(const char *path, Load call)
    {
        collected     told;
        cors_policy  *made = nullptr;

        const cors_status  status = call(collect, &told, &made);
        const int          os_error = errno;
        handle             owned(made);

        if (told.failure) {
            std::rethrow_exception(told.failure);
        }
        if (status != CORS_OK) {
            throw load_error(status, os_error, std::move(told.diagnostics),
                             whole(path));
        }
        return policy(std::move(owned), std::move(told.diagnostics));
    }

    // The path from the root, as it is where the working directory is gone;
    // empty where there is none.
    static std::string
    whole(const char *path)
    {
        std::error_code  failure;

        if (path == nullptr || *path == '\0') {
            return {};
        }
        const auto  absolute = std::filesystem::absolute(path, failure);
        return failure ? path : absolute.string();
    }

    // Called from C: an exception waits until C has returned.
    static void
    collect(void *context, const cors_diagnostic *told) noexcept
    {
        collected &to = *static_cast<collected *>(context);
        try {
            const auto own = [](cors_str str) {
                return std::string(view(str).value_or(""));
            };
            std::optional<std::string> help;
            if (told->help.ptr != nullptr) {
                help = own(told->help);
            }
            to.diagnostics.push_back({
                static_cast<cors::severity>(told->severity), told->line,
                told->column, own(told->code), own(told->pointer),
                own(told->message), std::move(help)
            });
        } catch (...) {
            to.failure = std::current_exception();
        }
    }

    static cors_request
    borrow(const request &asked) noexcept
    {
        cors_request  request = CORS_REQUEST_INIT;

        request.method = borrow(asked.method);
        request.origin = borrow(asked.origin);
        request.request_method = borrow(asked.request_method);
        request.request_headers = borrow(asked.request_headers);
        request.host = borrow(asked.host);
        request.fetch_site = borrow(asked.fetch_site);
        request.upgrade = borrow(asked.upgrade);
        request.scheme = borrow(asked.scheme);
        return request;
    }

    // A view that shows nothing may have no address; present, it is empty.
    static cors_str
    borrow(const std::optional<std::string_view> &text) noexcept
    {
        if (!text) {
            return { nullptr, 0 };
        }
        return { text->data() != nullptr ? text->data() : "", text->size() };
    }

    static std::optional<std::string_view>
    view(cors_str str) noexcept
    {
        if (str.ptr == nullptr) {
            return std::nullopt;
        }
        return std::string_view(str.ptr, str.len);
    }

    handle                   handle_;
    std::vector<diagnostic>  warnings_;
};

/// The names of wanted, the value of a decision's Vary, that a response whose
/// Vary is existing does not list yet, joined by ", "; empty if nothing is
/// missing. Several Vary fields are joined with commas by the caller.
inline std::string
vary_missing(std::string_view existing, std::string_view wanted)
{
    char               buffer[CORS_VARY_MAX];
    const cors_str     has = { existing.data(), existing.size() };
    const cors_str     wants = { wanted.data(), wanted.size() };
    const std::size_t  length =
        cors_vary_missing(has, wants, buffer, sizeof(buffer));

    // What is longer than every decision's is not written.
    return length < sizeof(buffer) ? std::string(buffer, length)
                                   : std::string(wanted);
}

}  // namespace cors

#endif  // CORS_HPP
