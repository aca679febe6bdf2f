// SPDX-License-Identifier: MIT OR Apache-2.0
//
// libcors: one CORS policy, one matcher, the same decision in every server.
//
// This header is the manual. A host does this, once at start:
//
//     cors_policy *policy;
//     if (cors_policy_load_file("cors.json", report, NULL, &policy)
//         != CORS_OK)
//     {
//         exit(1);              // report() has been told every reason
//     }
//
// and this for each request, whatever status the response will have:
//
//     cors_request   request = CORS_REQUEST_INIT;
//     cors_decision  decision = CORS_DECISION_INIT;
//
//     request.method = ...;             // a NULL ptr is an absent header
//     request.origin = ...;
//     request.request_method = ...;     // Access-Control-Request-Method
//     request.request_headers = ...;    // Access-Control-Request-Headers
//     cors_evaluate(policy, &request, &decision);
//
//     remove_headers(response, "access-control-*");
//     for (i = 0; i < decision.header_count; i++) {
//         add_header(response, decision.headers[i]);
//     }
//     if (decision.status != 0) {
//         answer_now(response, decision.status);    // a preflight: no body
//     }
//
// The host's three duties, also for the error responses that it makes:
// 1. drop every Access-Control-* header that the application sent;
// 2. add the decision's headers (add, not replace: a name can come twice); of
//    Vary only the names that the response does not have yet, and nothing
//    where it has "*";
// 3. where status is not 0, answer at once with that status and no body,
//    before authentication, rate limits and the application.
// Several lines of one request header are joined with a comma; spaces and
// tabs around a value are stripped. A host acts on status and headers, never
// on an exhaustive switch over verdicts or reasons: later versions may append
// to both. A call that fails leaves a decision that permits nothing; treat it
// like any other.
//
// Memory: what a decision points to lives as long as the policy and the
// request's buffers; nothing is freed by the caller. Strings have a length.
// Those that the policy owns end in a NUL as well; those that point into the
// request (an echoed origin, method or header list, a culprit) do not.
//
// Threads: any number of threads, and of processes after fork(), may call
// cors_evaluate and cors_explain on one policy, each with its own decision.
// There is no lock and no hidden state to set up. To swap a policy while
// requests run, load the new one, publish the pointer, and free the old one
// when the last request that used it has ended; or let each request be an
// owner: cors_policy_retain when it begins, cors_policy_free when it ends.
//
// Compatibility: request, decision and diagnostic begin with their size, and
// grow at the end only. Constants never change their value.


#ifndef CORS_H
#define CORS_H

// Generated from src/ffi.rs by cbindgen. Change it there.

#include <stddef.h>
#include <stdint.h>

/// The first value of a cors_request: nothing is present.
#define CORS_REQUEST_INIT                                                    \
    { sizeof(cors_request), { NULL, 0 }, { NULL, 0 }, { NULL, 0 },           \
      { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } }

/// The first value of a cors_decision: it permits nothing.
#define CORS_DECISION_INIT                                                   \
    { sizeof(cors_decision), CORS_VERDICT_REFUSED, CORS_REASON_NONE, 0, 0,   \
      { CORS_HEADER_INIT_, CORS_HEADER_INIT_, CORS_HEADER_INIT_,             \
        CORS_HEADER_INIT_, CORS_HEADER_INIT_, CORS_HEADER_INIT_,             \
        CORS_HEADER_INIT_, CORS_HEADER_INIT_ },                              \
      { NULL, 0 }, { NULL, 0 } }

#define CORS_HEADER_INIT_  { { NULL, 0 }, { NULL, 0 } }

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

/// Longest origin, in bytes; a longer one is malformed: a scheme of 64, "://",
/// a host of 253 (RFC 1035, section 2.3.4), ":" and a port of 5.
#define CORS_ORIGIN_MAX 326

/// Longest method name, in bytes; a longer one is malformed.
#define CORS_METHOD_MAX 64

/// Longest header name, in bytes; a longer one is malformed.
#define CORS_HEADER_NAME_MAX 256

/// Longest Access-Control-Request-Headers, in bytes, all lines joined; a
/// longer one is malformed.
#define CORS_REQUEST_HEADERS_MAX 4096

/// Most often that a diagnostic function is called during one load; the last
/// call may have the code "more" and say how many were left out.
#define CORS_DIAGNOSTICS_MAX 100

/// Room, in bytes, for the value of a decision's Vary and a NUL.
#define CORS_VARY_MAX 128

/// What a call came to. A refusal is a verdict inside CORS_OK, never an error.
/// Later versions may append some: anything but CORS_OK is a failure.
typedef enum cors_status {
    /// Done. The only status that is 0.
    CORS_OK = 0,
    /// A NULL pointer, or a size or length that cannot be: a fault of the
    /// caller.
    CORS_ERROR_ARGUMENT = 1,
    /// The policy was refused; the diagnostic function was told why.
    CORS_ERROR_POLICY = 2,
    /// The policy file could not be read; errno says why.
    CORS_ERROR_IO = 3,
    /// A fault of the library itself. The decision permits nothing.
    CORS_ERROR_INTERNAL = 4,
} cors_status;

/// The kinds of decision; values of cors_decision.verdict. Later versions may
/// append some: act on status and headers.
typedef enum cors_verdict {
    /// The request has no Origin, and so is no CORS request (Fetch standard,
    /// section "CORS protocol", "HTTP requests").
    CORS_VERDICT_NOT_CORS = 0,
    /// An actual request whose response the origin may read.
    CORS_VERDICT_ALLOWED = 1,
    /// An actual request that gets no permission header. It is not blocked:
    /// the browser keeps the response from the page. Browsers send Origin
    /// with same-origin POST, PUT, DELETE and WebSocket handshakes too, so a
    /// site that does not list its own origin sees its own forms here.
    CORS_VERDICT_REFUSED = 2,
    /// A preflight (OPTIONS with Origin and Access-Control-Request-Method);
    /// answer it with status.
    CORS_VERDICT_PREFLIGHT_ALLOWED = 3,
    /// A preflight; answer it with status: the browser will not send the
    /// request that it asked for.
    CORS_VERDICT_PREFLIGHT_REFUSED = 4,
} cors_verdict;

/// Why a decision refuses; values of cors_decision.reason. Later versions may
/// append some.
typedef enum cors_reason {
    /// Nothing was refused.
    CORS_REASON_NONE = 0,
    /// No pattern of the policy matches the origin.
    CORS_REASON_ORIGIN_NOT_ALLOWED = 1,
    /// Origin is not one serialized origin (HTML standard, "ASCII
    /// serialization of an origin"), or too long.
    CORS_REASON_ORIGIN_MALFORMED = 2,
    /// The requested method is not allowed; culprit names it.
    CORS_REASON_METHOD_NOT_ALLOWED = 3,
    /// Access-Control-Request-Method is not a token (RFC 9110, section
    /// 5.6.2), or too long.
    CORS_REASON_METHOD_MALFORMED = 4,
    /// A requested header is not allowed; culprit names the first one.
    CORS_REASON_HEADER_NOT_ALLOWED = 5,
    /// Access-Control-Request-Headers is not a list of tokens (RFC 9110,
    /// section 5.6.1), or too long.
    CORS_REASON_HEADERS_MALFORMED = 6,
} cors_reason;

/// Values of cors_diagnostic.severity.
typedef enum cors_severity {
    /// The policy is refused.
    CORS_SEVERITY_ERROR = 0,
    /// The policy loads.
    CORS_SEVERITY_WARNING = 1,
} cors_severity;

/// A loaded policy. It never changes, so any number of threads may use it at
/// the same time. Made by cors_policy_load or cors_policy_load_file, ended by
/// cors_policy_free.
typedef struct cors_policy cors_policy;

/// A string by address and length. It need not end in a NUL. A NULL ptr means
/// absent, whatever len is; any other ptr with len 0 is an empty string, which
/// is not the same.
typedef struct cors_str {
    /// The first byte, or NULL.
    const char *ptr;
    /// How many bytes; PTRDIFF_MAX at most.
    size_t len;
} cors_str;

/// One thing that is wrong or doubtful in a policy. The texts are one
/// printable line each and, like the whole struct, gone when the diagnostic
/// function returns.
typedef struct cors_diagnostic {
    /// sizeof(cors_diagnostic) of the library that is running. A member that
    /// came with a later version is there only where it lies below that.
    size_t size;
    /// A cors_severity.
    int32_t severity;
    /// The line of the file, from 1; 0 where there is no place in it.
    uint32_t line;
    /// The character (not byte) of the line, from 1; 0 where line is 0.
    uint32_t column;
    /// What kind, stable from release to release: "origin-trailing-slash".
    struct cors_str code;
    /// Where, as a JSON pointer (RFC 6901): "/allow_origins/2"; empty where
    /// there is none.
    struct cors_str pointer;
    /// What is wrong. The words may change with any version.
    struct cors_str message;
    /// What to write instead; absent where the library cannot tell.
    struct cors_str help;
} cors_diagnostic;

/// Is told each error and warning while a policy is loaded, on the calling
/// thread, in the order of the file, at most CORS_DIAGNOSTICS_MAX times.
/// context is what was handed to the load; diagnostic is never NULL. It must
/// return: no C++ exception and no longjmp may leave it. It may call the
/// functions below.
typedef void (*cors_diagnostic_fn)(void *context,
                                   const struct cors_diagnostic *diagnostic);

/// What a decision depends on. Start from CORS_REQUEST_INIT. Absent and empty
/// differ; an absent or empty method is not OPTIONS.
typedef struct cors_request {
    /// sizeof(cors_request) as the caller was compiled.
    size_t size;
    /// The request's method, in its own case (RFC 9110, section 9.1).
    struct cors_str method;
    /// Origin. Several lines are joined with commas, and so malformed.
    struct cors_str origin;
    /// Access-Control-Request-Method.
    struct cors_str request_method;
    /// Access-Control-Request-Headers, several lines joined with commas.
    struct cors_str request_headers;
    /// Host, or the pseudo-header :authority (RFC 9113, section 8.3.1), as the
    /// client sent it; never X-Forwarded-Host. Since 0.2, like the members
    /// below. This version does not use them yet.
    struct cors_str host;
    /// Sec-Fetch-Site, several lines joined with commas.
    struct cors_str fetch_site;
    /// Upgrade, several lines joined with commas; "websocket" for an extended
    /// CONNECT with that :protocol (RFC 8441, RFC 9220).
    struct cors_str upgrade;
    /// "https" or "http", the scheme that the client used, if the server or a
    /// proxy that it trusts knows it; else absent.
    struct cors_str scheme;
} cors_request;

/// One response header.
typedef struct cors_header {
    /// In lower case; owned by the library, for as long as it is loaded.
    struct cors_str name;
    /// Visible ASCII, spaces and tabs; owned by the policy, or by the request
    /// where it points into one of its strings.
    struct cors_str value;
} cors_header;

/// A decision. Start from CORS_DECISION_INIT; the library writes all but
/// size.
typedef struct cors_decision {
    /// sizeof(cors_decision) as the caller was compiled.
    size_t size;
    /// A cors_verdict, or a later version's.
    int32_t verdict;
    /// A cors_reason, or a later version's.
    int32_t reason;
    /// Where not 0: answer now, with this HTTP status and no body. 0, the
    /// policy's preflight_status (200 or 204), or 403.
    uint32_t status;
    /// How many of headers are set.
    uint32_t header_count;
    /// The headers to add, header_count of them; the rest is left as it was. A
    /// name can come twice.
    struct cors_header headers[CORS_HEADERS_MAX];
    /// The method or header name that was not allowed, else absent. It points
    /// into the request.
    struct cors_str culprit;
    /// The policy's pattern that the origin matched, else absent.
    struct cors_str pattern;
} cors_decision;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// Loads a policy from json_len bytes of JSON (RFC 8259, UTF-8;
/// CORS_POLICY_MAX bytes at most); the bytes are not needed afterwards.
/// POLICY.md says what they may say. json may be NULL where json_len is 0,
/// which is no policy.
///
/// report may be NULL; context is handed to it. On CORS_OK *policy is the new
/// policy, and report was told the warnings. Else *policy is NULL:
/// CORS_ERROR_POLICY after report was told every error, CORS_ERROR_ARGUMENT
/// where policy, or json with a json_len, is NULL; CORS_ERROR_INTERNAL after a
/// fault of the library. Where there is no memory for a policy, the process
/// is aborted. The caller ends the policy with cors_policy_free.
enum cors_status cors_policy_load(const char *json,
                                  size_t json_len,
                                  cors_diagnostic_fn report,
                                  void *context,
                                  struct cors_policy **policy);

/// Loads a policy from the regular file at path, a NUL-terminated string.
///
/// As cors_policy_load, with CORS_ERROR_ARGUMENT where path is NULL; besides,
/// CORS_ERROR_IO where the file could not be read: report is told once, with
/// the code "io", the system's text and line 0, and errno is the system's
/// (EINVAL where path is not a regular file).
enum cors_status cors_policy_load_file(const char *path,
                                       cors_diagnostic_fn report,
                                       void *context,
                                       struct cors_policy **policy);

/// Adds an owner to a policy and returns it. Each owner calls cors_policy_free
/// once; the last call frees the policy. The caller must be an owner, or know
/// that one remains until the call has returned. Any number of threads may
/// call it. NULL for NULL.
struct cors_policy *cors_policy_retain(struct cors_policy *policy);

/// Gives up one ownership of a policy, and frees it if it was the last one;
/// NULL is fine. When the last owner calls it, no call may be running on the
/// policy, and no decision made with it may be in use.
void cors_policy_free(struct cors_policy *policy);

/// Decides. It allocates nothing, takes no lock and makes no system call; its
/// time is linear in the request's bytes, within the bounds above.
///
/// On CORS_OK the decision holds what to send (Fetch standard, "CORS
/// protocol"). On CORS_ERROR_ARGUMENT (a NULL pointer, a size smaller than
/// the first version's, a larger request whose unknown members are not all
/// zero, or a string longer than PTRDIFF_MAX) and CORS_ERROR_INTERNAL it
/// permits nothing, if its size lets it be written: verdict refused, status 0,
/// one header, Vary.
enum cors_status cors_evaluate(const struct cors_policy *policy,
                               const struct cors_request *request,
                               struct cors_decision *decision);

/// Writes the decision in words into buffer, for people: one line of printable
/// ASCII, other bytes escaped. The words may change with any version.
///
/// Like snprintf: returns the length in bytes of the whole text without its
/// NUL, writes as much of it as fits in capacity bytes, of which a NUL is the
/// last, and nothing where capacity is 0 or buffer is NULL. Returns 0 where
/// cors_evaluate would not return CORS_OK. Unlike cors_evaluate, this
/// allocates.
size_t cors_explain(const struct cors_policy *policy,
                    const struct cors_request *request,
                    char *buffer,
                    size_t capacity);

/// Which names of wanted, the value of a decision's Vary, a response does not
/// list yet: existing is the value of one of its Vary fields, or absent. For a
/// response with several Vary fields, call it for each in turn and pass the
/// result of one call as wanted to the next; wanted may lie in buffer. Add
/// what is left at the end. Names are compared without case, and "*" lists
/// every name (RFC 9110, section 12.5.5).
///
/// Writes the missing names, joined by ", ", and a NUL into buffer, and
/// returns their length; 0 if nothing is missing. A buffer of CORS_VARY_MAX
/// bytes has room for every decision's. If capacity is too small, or buffer is
/// NULL, nothing is written, and the length that is returned is not below
/// capacity. A wanted of CORS_VARY_MAX bytes or more is missing as a whole.
/// Allocates nothing.
size_t cors_vary_missing(struct cors_str existing,
                         struct cors_str wanted,
                         char *buffer,
                         size_t capacity);

/// The version of the library that is running, "MAJOR.MINOR.PATCH"; never
/// NULL. Like the texts of the functions below it ends in a NUL, is never
/// freed, and may be read by any thread. CORS_VERSION is the one that the
/// caller was compiled with.
const char *cors_version(void);

/// The date of the public suffix list that is built in, "2026-10-22"; never
/// NULL. By that list it is judged whether anyone can get a name that a
/// wildcard matches.
const char *cors_public_suffix_list_date(void);

/// A cors_status in words, "policy refused"; "unknown status" for any other
/// number; never NULL.
const char *cors_status_text(int status);

/// The name of a cors_verdict, "preflight_allowed"; "unknown" for any other
/// number; never NULL.
const char *cors_verdict_text(int verdict);

/// The name of a cors_reason, "origin_not_allowed"; "unknown" for any other
/// number; never NULL.
const char *cors_reason_text(int reason);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CORS_H */
