// SPDX-License-Identifier: MIT OR Apache-2.0
//
// libcors for C++17: cors.h with destructors, exceptions and string views.
// Everything is in this file and in cors.h; link as for C.
//
// At startup, a server loads its policy:
//
//     const auto policy = cors::policy::from_file("cors.json");
//
// If that fails, it throws a cors::load_error: its what() shows the file and
// its first error, and its diagnostics() are all of them. For each request,
// whatever status the response will have, the server asks for a decision:
//
//     cors::request request;            // nothing is present
//     request.method = ...;
//     request.origin = ...;
//     request.request_method = ...;     // Access-Control-Request-Method
//     request.request_headers = ...;    // Access-Control-Request-Headers
//     request.host = ...;               // these four: see cors::request
//     request.fetch_site = ...;         // Sec-Fetch-Site
//     request.upgrade = ...;            // Upgrade
//     request.scheme = ...;             // the client's scheme, if known
//     const cors::decision decision = policy.evaluate(request);
//
//     remove_headers(response, "access-control-*");
//     for (const auto &[name, value] : decision.headers) {
//         add_header(response, name, value);
//     }
//     if (decision.status != 0) {
//         respond_now(response, decision.status);    // body: see 3. of cors.h
//     }
//
// The top of cors.h lists the server's three duties, what it has to join and
// strip, and what later versions may add. All of that applies here too.
//
// Memory: what a decision's string views point to lives as long as the policy
// and the request's buffers. The views do not end in a NUL.
//
// Threads: any number of threads may call the const functions of one policy.
// To replace a policy while requests run, keep it in a
// std::shared_ptr<const cors::policy>, and let each request take a copy.
//
// Exceptions: none crosses the C functions. Functions that do not throw are
// noexcept.

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

/// The kinds of decision. Later versions may add some, so act on the status
/// and the headers.
enum class verdict : std::int32_t {
    /// The request has no Origin.
    not_cors = CORS_VERDICT_NOT_CORS,
    /// An actual request whose response the origin may read.
    allowed = CORS_VERDICT_ALLOWED,
    /// An actual request that gets no permission header. It is not blocked;
    /// POLICY.md, "What refused means", has more.
    refused = CORS_VERDICT_REFUSED,
    /// A preflight. Respond with status.
    preflight_allowed = CORS_VERDICT_PREFLIGHT_ALLOWED,
    /// A preflight. Respond with status; the browser does not send the request
    /// that it asks for.
    preflight_refused = CORS_VERDICT_PREFLIGHT_REFUSED,
    /// A request from a page of the same origin. It needs no permission, and
    /// gets none, since no pattern matches its origin.
    same_origin = CORS_VERDICT_SAME_ORIGIN,
    /// A request that the policy's block names, from an origin that the policy
    /// does not trust. Respond with status and CORS_BLOCKED_BODY.
    blocked = CORS_VERDICT_BLOCKED,
};

/// Why a decision refuses. Later versions may add some.
enum class reason : std::int32_t {
    /// Nothing was refused.
    none = CORS_REASON_NONE,
    /// No pattern of the policy matches the origin.
    origin_not_allowed = CORS_REASON_ORIGIN_NOT_ALLOWED,
    /// Origin is not one serialized origin, or it is too long.
    origin_malformed = CORS_REASON_ORIGIN_MALFORMED,
    /// The requested method is not allowed; it is the culprit.
    method_not_allowed = CORS_REASON_METHOD_NOT_ALLOWED,
    /// Access-Control-Request-Method is not a token, or it is too long.
    method_malformed = CORS_REASON_METHOD_MALFORMED,
    /// A requested header is not allowed; the first such one is the culprit.
    header_not_allowed = CORS_REASON_HEADER_NOT_ALLOWED,
    /// Access-Control-Request-Headers is not a list of tokens, or it is too
    /// long.
    headers_malformed = CORS_REASON_HEADERS_MALFORMED,
    /// The request comes from another site's page, and block names its kind.
    cross_site = CORS_REASON_CROSS_SITE,
};

/// Whether a diagnostic keeps the policy from loading.
enum class severity : std::int32_t {
    /// The policy is rejected.
    error = CORS_SEVERITY_ERROR,
    /// The policy loads.
    warning = CORS_SEVERITY_WARNING,
};

/// The name of a verdict, such as "preflight_allowed"; "unknown" for any other
/// value.
inline std::string_view
text(verdict value) noexcept
{
    return cors_verdict_text(static_cast<int>(value));
}

/// The name of a reason, such as "origin_not_allowed"; "unknown" for any other
/// value.
inline std::string_view
text(reason value) noexcept
{
    return cors_reason_text(static_cast<int>(value));
}

/// The version of the running library, "MAJOR.MINOR.PATCH". CORS_VERSION is
/// the version that the caller was compiled with.
inline std::string_view
version() noexcept
{
    return cors_version();
}

/// The date of the built-in public suffix list, "2026-10-22".
inline std::string_view
public_suffix_list_date() noexcept
{
    return cors_public_suffix_list_date();
}

/// An error or warning about a policy. Each text is one printable line in
/// UTF-8.
struct diagnostic {
    /// Whether the policy is rejected for it.
    cors::severity severity;
    /// The line in the file, from 1; 0 if there is none.
    std::uint32_t line;
    /// The character in the line, from 1; 0 if line is 0.
    std::uint32_t column;
    /// The kind, which no release changes, such as "origin-trailing-slash".
    std::string code;
    /// The location as a JSON pointer (RFC 6901), such as "/allow_origins/2".
    std::string pointer;
    /// What is wrong.
    std::string message;
    /// What to use instead; absent if the library does not know.
    std::optional<std::string> help;

    /// All of it on one line, without a newline:
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
/// It has the absolute path of the file, if the policy was a file; the first
/// error; and the number of further errors and warnings in diagnostics().
class load_error : public std::runtime_error {
public:
    /// `os_error` is errno if `status` is CORS_ERROR_IO. `file` is the file of
    /// the policy, empty if there is none.
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

    /// The system's errno if the file could not be read; otherwise 0.
    int os_error() const noexcept { return os_error_; }

    /// Every error and warning, in the order of the file; at most
    /// CORS_DIAGNOSTICS_MAX, the last of which may have the code "more". They
    /// live as long as this exception or a copy of it.
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

/// What a decision depends on. An absent string is not an empty one; an absent
/// or empty method is not OPTIONS. The caller joins repeated header fields
/// with commas, and strips the spaces and tabs around a value.
struct request {
    /// The request's method, in its own case.
    std::optional<std::string_view> method;
    /// Origin. Repeated fields are joined with commas, which is malformed.
    std::optional<std::string_view> origin;
    /// Access-Control-Request-Method.
    std::optional<std::string_view> request_method;
    /// Access-Control-Request-Headers.
    std::optional<std::string_view> request_headers;
    /// Host, or the pseudo-header :authority, as the client sent it; never
    /// X-Forwarded-Host. A page whose origin has this host is the site's own.
    /// Since 0.2, like the members below. They are absent if the client did
    /// not send them, but a server that never sets them is not guarded by
    /// block: without upgrade, a WebSocket handshake is only a GET request.
    std::optional<std::string_view> host = std::nullopt;
    /// Sec-Fetch-Site. Browsers set it; scripts cannot. Some requests come
    /// without it, such as those over http.
    std::optional<std::string_view> fetch_site = std::nullopt;
    /// Upgrade; "websocket" for an extended CONNECT with that :protocol (RFC
    /// 8441, RFC 9220), whose method is then "GET".
    std::optional<std::string_view> upgrade = std::nullopt;
    /// "https" or "http", the scheme that the client used, if the server or a
    /// proxy that it trusts knows it; otherwise absent. No client sends it.
    std::optional<std::string_view> scheme = std::nullopt;
};

/// One response header.
struct header {
    /// In lower case.
    std::string_view name;
    /// Visible ASCII, spaces and tabs.
    std::string_view value;
};

/// The headers to add to a response. A name can appear twice.
class header_list {
public:
    /// The first header.
    const header *begin() const noexcept { return headers_.data(); }
    /// One past the last.
    const header *end() const noexcept { return begin() + size_; }
    /// The number of headers, at most CORS_HEADERS_MAX.
    std::size_t size() const noexcept { return size_; }

private:
    friend class policy;

    std::array<header, CORS_HEADERS_MAX>  headers_;
    std::size_t                           size_ = 0;
};

/// A decision. A decision that no policy made permits nothing.
struct decision {
    /// The kind of request, and whether it gets permission.
    cors::verdict verdict = cors::verdict::refused;
    /// Why it does not get permission.
    cors::reason reason = cors::reason::none;
    /// If it is not 0, respond now, with this HTTP status and no body; if the
    /// verdict is blocked, with CORS_BLOCKED_BODY as text/plain.
    std::uint32_t status = 0;
    /// The headers to add, on every status.
    header_list headers;
    /// The method or header name that was not allowed, if any.
    std::optional<std::string_view> culprit;
    /// The policy's pattern that the origin matched, if any.
    std::optional<std::string_view> pattern;
    /// CORS_OK; anything else is a failed call, which should be logged. The
    /// decision then permits nothing, and may be blocked if the policy has
    /// block; treat it like any other.
    cors_status error = CORS_OK;
};

/// A loaded policy. It never changes. A moved-from policy permits nothing, and
/// blocks nothing: its decisions have the error CORS_ERROR_ARGUMENT. Respond
/// with 503 then, if a policy with block belongs there.
class policy {
public:
    /// Loads a policy from JSON (UTF-8, at most CORS_POLICY_MAX bytes), which
    /// is not needed afterwards. Throws load_error if the policy is rejected,
    /// and std::bad_alloc if there is no memory for the diagnostics. (If there
    /// is no memory for the policy, the process aborts.)
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
    /// string. This is like from_json; if the file cannot be read, the
    /// load_error has the status CORS_ERROR_IO and an os_error.
    static policy
    from_file(const char *path)
    {
        return load(path, [&](cors_diagnostic_fn report, void *context,
                              cors_policy **made) {
            return cors_policy_load_file(path, report, context, made);
        });
    }

    /// The policy's warnings, in the order of the file; at most
    /// CORS_DIAGNOSTICS_MAX, the last of which may have the code "more".
    const std::vector<diagnostic> &
    warnings() const noexcept
    {
        return warnings_;
    }

    /// Decides (Fetch standard, "CORS protocol"). It allocates nothing, takes
    /// no lock and makes no system call. Its time is linear in the request's
    /// bytes, up to the limits in cors.h.
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

    /// Explains the decision to people: one line of printable ASCII, with
    /// other bytes escaped. Empty if evaluate's decision would have an error.
    /// Unlike evaluate, it allocates, and may throw std::bad_alloc.
    std::string
    explain(const request &asked) const
    {
        const cors_request  request = borrow(asked);
        std::string         words(cors_explain(get(), &request, nullptr, 0),
                                  '\0');

        // The NUL that it writes overwrites the string's own.
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

    // What the diagnostic function received, and what it could not store.
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

    // The absolute path, or the path itself if the working directory is gone;
    // empty if there is none.
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

    // An empty view may have no address, but it is present.
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

/// The names in wanted, the value of a decision's Vary, that a response whose
/// Vary is existing does not list yet, joined by ", "; empty if nothing is
/// missing. The caller joins several Vary fields with commas.
inline std::string
vary_missing(std::string_view existing, std::string_view wanted)
{
    char               buffer[CORS_VARY_MAX];
    const cors_str     has = { existing.data(), existing.size() };
    const cors_str     wants = { wanted.data(), wanted.size() };
    const std::size_t  length =
        cors_vary_missing(has, wants, buffer, sizeof(buffer));

    // It does not write what is longer than every decision's.
    return length < sizeof(buffer) ? std::string(buffer, length)
                                   : std::string(wanted);
}

}  // namespace cors

#endif  // CORS_HPP
