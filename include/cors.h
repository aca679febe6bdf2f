// SPDX-License-Identifier: MIT OR Apache-2.0
//
// libcors: one CORS policy, one matcher, the same decision in every server.
//
// This header is the manual. At startup, a server loads its policy:
//
//     cors_policy *policy;
//     if (cors_policy_load_file("cors.json", report, NULL, &policy)
//         != CORS_OK)
//     {
//         exit(1);              // report() has received every error
//     }
//
// and for each request, whatever status the response will have, it asks for
// a decision:
//
//     cors_request   request = CORS_REQUEST_INIT;
//     cors_decision  decision = CORS_DECISION_INIT;
//
//     request.method = ...;             // a NULL ptr is an absent header
//     request.origin = ...;
//     request.request_method = ...;     // Access-Control-Request-Method
//     request.request_headers = ...;    // Access-Control-Request-Headers
//     request.host = ...;               // these four: see cors_request
//     request.fetch_site = ...;         // Sec-Fetch-Site
//     request.upgrade = ...;            // Upgrade
//     request.scheme = ...;             // the client's scheme, if known
//     cors_evaluate(policy, &request, &decision);
//
//     remove_headers(response, "access-control-*");
//     for (i = 0; i < decision.header_count; i++) {
//         add_header(response, decision.headers[i]);  // Vary: see 2.
//     }
//     if (decision.status != 0) {
//         respond_now(response, decision.status);    // body: see 3.
//     }
//
// The server has three duties on every response, including errors
// (bindings/README.md has all of its duties):
// 1. It removes every Access-Control-* header that the application sent, and
//    its Timing-Allow-Origin if the decision has that header.
// 2. It adds the decision's headers, without replacing any, since a name can
//    appear twice. Of Vary, it adds only the names that the response does not
//    list yet (cors_vary_missing), and nothing if the response has "Vary: *".
// 3. If status is not 0, it responds immediately with that status, before
//    authentication, rate limits and the application, and no error page takes
//    its place. The response has no body; if the verdict is blocked, its body
//    is CORS_BLOCKED_BODY.
//
// The server joins repeated request header fields with commas, and strips the
// spaces and tabs around a value. It acts on status and headers, never on an
// exhaustive switch over verdicts or reasons, since later versions may add
// some. A failed call leaves a decision that permits nothing; the server
// treats it like any other decision.
//
// Memory: what a decision points to lives as long as the policy and the
// request's buffers, and the caller frees none of it. Strings have a length.
// Those that the policy owns also end in a NUL; those that are part of the
// request (an echoed origin, method or header list, a culprit) do not.
//
// Threads: any number of threads, and of processes after fork(), may call
// cors_evaluate and cors_explain with the same policy, each with its own
// decision. There is no lock and no hidden state to set up. To replace a
// policy while requests run, let a cors_source follow its file: call
// cors_source_refresh now and then, and cors_source_policy when a request
// begins. Without a file, load the new policy, publish the pointer, and free
// the old one when the last request that used it has ended. Or make each
// request an owner: call cors_policy_retain when it begins, and
// cors_policy_free when it ends.
//
// Compatibility: request, decision, diagnostic and source state begin with
// their size, and only grow at the end. Constants never change their value.


#ifndef CORS_H
#define CORS_H

// Generated from src/ffi.rs and src/decision.rs by cbindgen.

#include <stddef.h>
#include <stdint.h>

/// Initializer for a cors_request: nothing is present.
#define CORS_REQUEST_INIT                                                    \
    { sizeof(cors_request), { NULL, 0 }, { NULL, 0 }, { NULL, 0 },           \
      { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } }

/// Initializer for a cors_decision: it permits nothing.
#define CORS_DECISION_INIT                                                   \
    { sizeof(cors_decision), CORS_VERDICT_REFUSED, CORS_REASON_NONE, 0, 0,   \
      { CORS_HEADER_INIT_, CORS_HEADER_INIT_, CORS_HEADER_INIT_,             \
        CORS_HEADER_INIT_, CORS_HEADER_INIT_, CORS_HEADER_INIT_,             \
        CORS_HEADER_INIT_, CORS_HEADER_INIT_ },                              \
      { NULL, 0 }, { NULL, 0 } }

/// Initializer for a cors_source_state: nothing is known.
#define CORS_SOURCE_STATE_INIT                                               \
    { sizeof(cors_source_state), 0, 0, 0, 0, 0, 0, { 0 }, { 0 } }

#define CORS_HEADER_INIT_  { { NULL, 0 }, { NULL, 0 } }

/// The body of the response to a blocked request (CORS_VERDICT_BLOCKED), as
/// text/plain: a person may see it.
#define CORS_BLOCKED_BODY                                                    \
    "This request was blocked, because it came from another site.\n"

/// The version of this header.
#define CORS_VERSION_MAJOR 0
#define CORS_VERSION_MINOR 1
#define CORS_VERSION_PATCH 0
#define CORS_VERSION "0.1.0"

/// Room for headers in a decision; seven at most are used.
#define CORS_HEADERS_MAX 8

/// Longest policy file, in bytes (256 MiB).
#define CORS_POLICY_MAX 268435456

/// Deepest nesting of arrays and objects in a policy file.
#define CORS_POLICY_DEPTH_MAX 8

/// Most rules of a policy file.
#define CORS_RULES_MAX 1024

/// Longest origin, in bytes; a longer one is malformed: a scheme of 64, "://",
/// a host of 253 (RFC 1035, section 2.3.4), ":" and a port of 5.
#define CORS_ORIGIN_MAX 326

/// Longest method name, in bytes; a longer one is malformed.
#define CORS_METHOD_MAX 64

/// Longest header name, in bytes; a longer one is malformed.
#define CORS_HEADER_NAME_MAX 256

/// Longest Access-Control-Request-Headers, in bytes, with repeated fields
/// joined; a longer one is malformed.
#define CORS_REQUEST_HEADERS_MAX 4096

/// Maximum number of diagnostic calls per load; the last one may have the code
/// "more" and say how many diagnostics were omitted.
#define CORS_DIAGNOSTICS_MAX 100

/// Room, in bytes, for the value of a decision's Vary and a NUL.
#define CORS_VARY_MAX 128

/// Room, in bytes, for cors_source_state.change and a NUL.
#define CORS_CHANGE_MAX 512

/// The result of a call. A refusal is a verdict of a decision, with CORS_OK,
/// never an error. Later versions may add some; anything but CORS_OK is a
/// failure.
typedef enum cors_status {
    /// Done. The only status that is 0.
    CORS_OK = 0,
    /// A NULL pointer, or an impossible size or length: a bug in the caller.
    CORS_ERROR_ARGUMENT = 1,
    /// The policy was rejected; the diagnostic function was told why.
    CORS_ERROR_POLICY = 2,
    /// The policy file could not be read; errno says why.
    CORS_ERROR_IO = 3,
    /// A bug in the library. The decision permits nothing.
    CORS_ERROR_INTERNAL = 4,
} cors_status;

/// The kinds of decision: a decision's verdict. Later versions may add some;
/// a server acts on the status and the headers.
typedef enum cors_verdict {
    /// The request has no Origin, so it is not a CORS request (Fetch standard,
    /// section "CORS protocol", "HTTP requests").
    CORS_VERDICT_NOT_CORS = 0,
    /// An actual request whose response the origin may read.
    CORS_VERDICT_ALLOWED = 1,
    /// An actual request that gets no permission header. It is not blocked.
    /// POLICY.md, "What refused means", says why a site's own requests can be
    /// among these.
    CORS_VERDICT_REFUSED = 2,
    /// A preflight (OPTIONS with Origin and Access-Control-Request-Method).
    /// After its response the browser sends the actual request.
    CORS_VERDICT_PREFLIGHT_ALLOWED = 3,
    /// A preflight after whose response the browser does not send the actual
    /// request.
    CORS_VERDICT_PREFLIGHT_REFUSED = 4,
    /// A request from a page of the same origin, which needs no permission, and
    /// gets none since no pattern matches its origin.
    CORS_VERDICT_SAME_ORIGIN = 5,
    /// A request that the policy's `block` names, from an origin that the
    /// policy does not trust. It must not reach the application.
    CORS_VERDICT_BLOCKED = 6,
} cors_verdict;

/// Why a decision refuses: a decision's reason. Later versions may add some.
typedef enum cors_reason {
    /// Nothing was refused.
    CORS_REASON_NONE = 0,
    /// No pattern of the policy matches the origin.
    CORS_REASON_ORIGIN_NOT_ALLOWED = 1,
    /// Origin is not one serialized origin (HTML standard, "ASCII
    /// serialization of an origin"), or it is too long.
    CORS_REASON_ORIGIN_MALFORMED = 2,
    /// The requested method is not allowed; it is the culprit.
    CORS_REASON_METHOD_NOT_ALLOWED = 3,
    /// Access-Control-Request-Method is not a token (RFC 9110, section 5.6.2),
    /// or it is too long.
    CORS_REASON_METHOD_MALFORMED = 4,
    /// A requested header is not allowed; the first such one is the culprit.
    CORS_REASON_HEADER_NOT_ALLOWED = 5,
    /// Access-Control-Request-Headers is not a list of tokens (RFC 9110,
    /// section 5.6.1), or it is too long.
    CORS_REASON_HEADERS_MALFORMED = 6,
    /// The request comes from another site's page, and `block` names its kind.
    CORS_REASON_CROSS_SITE = 7,
} cors_reason;

/// Values of cors_diagnostic.severity.
typedef enum cors_severity {
    /// The policy is rejected.
    CORS_SEVERITY_ERROR = 0,
    /// The policy loads.
    CORS_SEVERITY_WARNING = 1,
} cors_severity;

/// A loaded policy. It never changes, so any number of threads may use it at
/// the same time. cors_policy_load and cors_policy_load_file make it, and
/// cors_policy_free frees it.
typedef struct cors_policy cors_policy;

/// A policy file, and the policy that was last read from it. Any number of
/// threads may use it. cors_source_open makes it, and cors_source_close frees
/// it.
typedef struct cors_source cors_source;

/// A string with a length. It need not end in a NUL. If ptr is NULL, the
/// string is absent, whatever len is. An empty string, with a non-NULL ptr and
/// len 0, is not the same.
typedef struct cors_str {
    /// The first byte, or NULL.
    const char *ptr;
    /// Number of bytes, at most PTRDIFF_MAX.
    size_t len;
} cors_str;

/// An error or warning about a policy. Each text is one printable line. The
/// struct and its texts are only valid until the diagnostic function returns.
typedef struct cors_diagnostic {
    /// sizeof(cors_diagnostic) in the running library. A member that a later
    /// version added is only there if it ends within that size.
    size_t size;
    /// A cors_severity.
    int32_t severity;
    /// The line in the file, from 1; 0 if there is none.
    uint32_t line;
    /// The character (not byte) in the line, from 1; 0 if line is 0.
    uint32_t column;
    /// The kind, which no release changes, such as "origin-trailing-slash".
    struct cors_str code;
    /// The location as a JSON pointer (RFC 6901), such as "/allow_origins/2";
    /// empty if there is none.
    struct cors_str pointer;
    /// What is wrong. Any version may change the wording.
    struct cors_str message;
    /// What to use instead; absent if the library does not know.
    struct cors_str help;
} cors_diagnostic;

/// Receives each error and warning while a policy is loaded, on the calling
/// thread, in the order of the file, at most CORS_DIAGNOSTICS_MAX times.
/// context is the argument of the load, and diagnostic is never NULL. The
/// function must return: it must not throw a C++ exception or call longjmp. It
/// may call the functions below.
typedef void (*cors_diagnostic_fn)(void *context,
                                   const struct cors_diagnostic *diagnostic);

/// What a decision depends on. Start from CORS_REQUEST_INIT. An absent string
/// is not an empty one; an absent or empty method is not OPTIONS.
typedef struct cors_request {
    /// sizeof(cors_request) when the caller was compiled.
    size_t size;
    /// The request's method, in its own case (RFC 9110, section 9.1).
    struct cors_str method;
    /// Origin. Repeated fields are joined with commas, which is malformed.
    struct cors_str origin;
    /// Access-Control-Request-Method.
    struct cors_str request_method;
    /// Access-Control-Request-Headers, repeated fields joined with commas.
    struct cors_str request_headers;
    /// Host, or the pseudo-header :authority (RFC 9113, section 8.3.1), as the
    /// client sent it; never X-Forwarded-Host. Since 0.2, like the members
    /// below.
    struct cors_str host;
    /// Sec-Fetch-Site, repeated fields joined with commas.
    struct cors_str fetch_site;
    /// Upgrade, repeated fields joined with commas; "websocket" for an
    /// extended CONNECT with that :protocol (RFC 8441, RFC 9220).
    struct cors_str upgrade;
    /// "https" or "http", the scheme that the client used, if the server or a
    /// proxy that it trusts knows it; otherwise absent.
    struct cors_str scheme;
} cors_request;

/// A response header.
typedef struct cors_header {
    /// In lower case. Valid while the library is loaded.
    struct cors_str name;
    /// Visible ASCII, spaces and tabs. It belongs to the policy, or is part of
    /// one of the request's strings.
    struct cors_str value;
} cors_header;

/// A decision. Start from CORS_DECISION_INIT; the library writes every member
/// but size.
typedef struct cors_decision {
    /// sizeof(cors_decision) when the caller was compiled.
    size_t size;
    /// A cors_verdict, or a later version's.
    int32_t verdict;
    /// A cors_reason, or a later version's.
    int32_t reason;
    /// 0, the policy's preflight_status (200 or 204), or 403. If it is not 0,
    /// respond now, with this HTTP status, and without a body or, if the
    /// verdict is blocked, with CORS_BLOCKED_BODY.
    uint32_t status;
    /// The number of headers that are set.
    uint32_t header_count;
    /// The headers to add; the library does not write the others. A name can
    /// appear twice.
    struct cors_header headers[CORS_HEADERS_MAX];
    /// The method or header name that was not allowed, if any: part of one of
    /// the request's strings.
    struct cors_str culprit;
    /// The policy's pattern that the origin matched, if any.
    struct cors_str pattern;
} cors_decision;

/// Asked now and then while a policy is loaded, on the calling thread: 0 gives
/// up the load, so that a server that stops does not have to wait. context is
/// the argument of the call. The function must return.
typedef int (*cors_go_on_fn)(void *context);

/// The state of a source. Start from CORS_SOURCE_STATE_INIT.
typedef struct cors_source_state {
    /// sizeof(cors_source_state) when the caller was compiled.
    size_t size;
    /// How many policies the source has had, from 1.
    uint64_t version;
    /// When its policy was loaded, in nanoseconds since 1970 (UTC).
    int64_t loaded;
    /// When the file was last rejected or could not be read, in the same unit;
    /// 0 if never.
    int64_t failed;
    /// CORS_OK, or the status that failed then, if that is still so.
    int32_t status;
    /// Always 0.
    uint32_t reserved;
    /// How many origin patterns the policy has.
    uint64_t pattern_count;
    /// SHA-256 of the file that the policy was loaded from.
    uint8_t sha256[32];
    /// What the last change newly allows and no longer allows: one line of
    /// ASCII for a log, which ends in a NUL; empty for the first policy.
    char change[CORS_CHANGE_MAX];
} cors_source_state;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// Loads a policy from json_len bytes of JSON (RFC 8259, UTF-8; at most
/// CORS_POLICY_MAX bytes), which are not needed afterwards. POLICY.md
/// documents the format. json may be NULL if json_len is 0, but empty input is
/// rejected.
///
/// report may be NULL; it receives context. On CORS_OK, *policy is the new
/// policy, and report has received the warnings; free the policy with
/// cors_policy_free. Otherwise *policy is NULL, and the status is
/// CORS_ERROR_POLICY after report has received every error,
/// CORS_ERROR_ARGUMENT if policy is NULL, or json with a json_len other than
/// 0, or CORS_ERROR_INTERNAL. If there is no memory for the policy, the
/// process aborts.
enum cors_status cors_policy_load(const char *json,
                                  size_t json_len,
                                  cors_diagnostic_fn report,
                                  void *context,
                                  struct cors_policy **policy);

/// Loads a policy from the regular file at path, a NUL-terminated string.
///
/// This is like cors_policy_load, with CORS_ERROR_ARGUMENT if path is NULL,
/// and with one more status: CORS_ERROR_IO if the file cannot be read. Then
/// report is called once, with the code "io", the system's text and line 0,
/// and errno is the system's (EINVAL if path is not a regular file).
enum cors_status cors_policy_load_file(const char *path,
                                       cors_diagnostic_fn report,
                                       void *context,
                                       struct cors_policy **policy);

/// Adds an owner to a policy and returns the policy, or NULL for NULL. Each
/// owner calls cors_policy_free once; the last call frees the policy. The
/// caller must be an owner, or know that one remains until this function has
/// returned. Any number of threads may call it.
struct cors_policy *cors_policy_retain(struct cors_policy *policy);

/// Gives up one ownership of a policy, and frees the policy if it was the last
/// one. NULL is ignored. When the last owner calls it, no other function may
/// be using the policy, and no decision made with it may be in use.
void cors_policy_free(struct cors_policy *policy);

/// Decides. This function allocates nothing, takes no lock and makes no system
/// call. Its time is linear in the request's bytes, up to the limits above.
///
/// On CORS_OK, the decision contains what to send (Fetch standard, section
/// "CORS protocol"). CORS_ERROR_ARGUMENT means a NULL pointer, a size smaller
/// than the first version's, a larger request whose unknown members are not
/// all zero, or a string longer than PTRDIFF_MAX, if it had to be read; if the
/// policy has block, also a request that is too small for upgrade. Then, and on CORS_ERROR_INTERNAL,
/// the decision permits nothing: its verdict is refused, its status 0, its only
/// header Vary. Or, if the policy has block and the request may be one that it
/// blocks, the verdict is blocked and the status 403. If the decision is too
/// small, it is not written.
enum cors_status cors_evaluate(const struct cors_policy *policy,
                               const struct cors_request *request,
                               struct cors_decision *decision);

/// Explains the decision to people: writes one line of printable ASCII, with
/// other bytes escaped, into buffer. Any version may change the wording.
///
/// Like snprintf, it returns the length in bytes of the whole text without its
/// NUL, and writes as much of the text as fits in capacity bytes, including a
/// NUL; it writes nothing if capacity is 0 or buffer is NULL. It returns 0 if
/// cors_evaluate would not return CORS_OK. Unlike cors_evaluate, it allocates.
size_t cors_explain(const struct cors_policy *policy,
                    const struct cors_request *request,
                    char *buffer,
                    size_t capacity);

/// Finds the names in wanted, the value of a decision's Vary, that a response
/// does not list yet. existing is the value of one of its Vary fields, or
/// absent. If a response has several Vary fields, call this function for each
/// in turn, with the result of one call as wanted of the next (wanted may be
/// in buffer), and add what is left at the end. Names are case-insensitive,
/// and "*" lists every name (RFC 9110, section 12.5.5).
///
/// It writes the missing names, joined by ", ", and a NUL into buffer, and
/// returns their length, which is 0 if nothing is missing. A buffer of
/// CORS_VARY_MAX bytes has room for every decision's. If buffer is NULL or
/// capacity is not above the returned length, it writes nothing. If wanted has
/// CORS_VARY_MAX bytes or more, all of it counts as missing. It allocates
/// nothing.
size_t cors_vary_missing(struct cors_str existing,
                         struct cors_str wanted,
                         char *buffer,
                         size_t capacity);

/// The version of the running library, "MAJOR.MINOR.PATCH"; never NULL. Like
/// the texts of the functions below, it ends in a NUL, is never freed, and may
/// be read by any thread. CORS_VERSION is the version that the caller was
/// compiled with.
const char *cors_version(void);

/// The date of the built-in public suffix list, "2026-10-22"; never NULL. The
/// list decides whether anyone can register a name that a wildcard matches.
const char *cors_public_suffix_list_date(void);

/// A text for a cors_status, such as "policy rejected"; "unknown status" for
/// any other number; never NULL.
const char *cors_status_text(int status);

/// The name of a cors_verdict, such as "preflight_allowed"; "unknown" for any
/// other number; never NULL.
const char *cors_verdict_text(int verdict);

/// The name of a cors_reason, such as "origin_not_allowed"; "unknown" for any
/// other number; never NULL.
const char *cors_reason_text(int reason);

/// Opens a source: loads the policy from the regular file at path, as
/// cors_policy_load_file does, and with the same statuses. On CORS_OK, *source
/// is the new source, to free with cors_source_close; otherwise NULL. A
/// relative path counts from the working directory of now.
enum cors_status cors_source_open(const char *path,
                                  cors_diagnostic_fn report,
                                  void *context,
                                  struct cors_source **source);

/// Looks at the file, and loads it if it changed. If it is the same file
/// (device, inode, size and times), that costs one system call. Call it now
/// and then; no other function looks at the file.
///
/// On CORS_OK, the policy is that of the file, which report receives the
/// warnings about if it is new: cors_source_state.version tells. Otherwise the
/// policy is as before. CORS_ERROR_POLICY and CORS_ERROR_IO (with errno) mean
/// what they mean for cors_policy_load_file; the same file does not fail again
/// until it changes, and cors_source_state.status keeps the status until then.
///
/// go_on and report may be NULL; both receive context. If go_on returns 0, the
/// load is given up: CORS_OK, and nothing has changed. One thread at a time
/// refreshes; if one does, the others return CORS_OK at once.
enum cors_status cors_source_refresh(const struct cors_source *source,
                                     cors_go_on_fn go_on,
                                     cors_diagnostic_fn report,
                                     void *context);

/// The policy as it is now, with one owner more: free it with
/// cors_policy_free. A request keeps the one that it began with. NULL for
/// NULL. It takes no lock.
struct cors_policy *cors_source_policy(const struct cors_source *source);

/// Writes the state of a source: every member but size; members that the
/// library does not know become 0. CORS_ERROR_ARGUMENT means a NULL pointer or
/// a size smaller than the first version's.
enum cors_status cors_source_info(const struct cors_source *source,
                                  struct cors_source_state *info);

/// Frees a source, but not the policies that were taken from it. NULL is
/// ignored. No other function may be using the source.
void cors_source_close(struct cors_source *source);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CORS_H */
