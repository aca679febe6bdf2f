/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

/*
 * mod_cors: answers CORS preflights, puts the CORS headers of a policy file on
 * every response, whatever its status, and refuses what the policy blocks.
 *
 *     LoadModule cors_module modules/mod_cors.so
 *
 *     <Location "/api/">
 *         CorsPolicy conf/cors.json
 *     </Location>
 */

#include "apr_hash.h"
#include "apr_strings.h"

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include <cors.h>

#define CORS_PREFIX "Access-Control-"
#define CORS_TIMING "timing-allow-origin"
#define CORS_REPORT "cors-report-"

typedef struct {
    cors_policy *policy;    /* NULL is "off", which is not the same as unset */
    int set;
} cors_choice;

typedef struct {
    cors_choice enforced;
    cors_choice candidate;  /* of CorsReportOnly */
} cors_dir_conf;

typedef struct {
    int in_sections;        /* CorsPolicy is also set in sections */
} cors_server_conf;

typedef struct {
    int off;
    int answered;
    cors_decision decision;
} cors_request_conf;

APLOG_USE_MODULE(cors);

static ap_filter_rec_t *cors_filter_handle;

/* Replaces a request's own while the hooks of other modules run. */
static cors_request_conf cors_nested;

static cors_str cors_text(const char *s)
{
    cors_str text;

    text.ptr = s;
    text.len = s ? strlen(s) : 0;
    return text;
}

/* httpd has joined repeated header fields, but not RequestHeader's. */
static cors_str cors_line(request_rec *r, const char *name)
{
    return cors_text(apr_table_getm(r->pool, r->headers_in, name));
}

static int cors_is_blocked(const cors_request_conf *conf)
{
    return conf->decision.verdict == CORS_VERDICT_BLOCKED;
}

static void cors_decide(request_rec *r, const char *directive,
                        const cors_policy *policy, cors_decision *decision)
{
    cors_request request = CORS_REQUEST_INIT;
    int level;

    request.method = cors_text(r->method);
    request.origin = cors_line(r, "Origin");
    request.request_method = cors_line(r, CORS_PREFIX "Request-Method");
    request.request_headers = cors_line(r, CORS_PREFIX "Request-Headers");
    request.host = cors_line(r, "Host");
    request.fetch_site = cors_line(r, "Sec-Fetch-Site");
    request.upgrade = cors_line(r, "Upgrade");
    /* "ServerName https://..." says that TLS ends before httpd. */
    request.scheme = cors_text(ap_http_scheme(r));

    /* Without a policy, the library's decision permits nothing. */
    if (cors_evaluate(policy, &request, decision) != CORS_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, policy
                      ? "cors_evaluate() failed, so nothing is permitted"
                      : "CorsPolicy: a cache responds before the section is "
                        "known, so nothing is permitted; use "
                        "CacheQuickHandler off");
    }
    level = decision->verdict == CORS_VERDICT_BLOCKED ? APLOG_WARNING
                                                      : APLOG_INFO;
    if (decision->reason != CORS_REASON_NONE && APLOG_R_IS_LEVEL(r, level)) {
        char text[MAX_STRING_LEN];

        cors_explain(policy, &request, text, sizeof(text));
        ap_log_rerror(APLOG_MARK, level, 0, r, "%s: %s", directive, text);
    }
}

/*
 * What applies to a request: the first section, through internal redirects and
 * error documents, in which CorsPolicy is set, to a file or to off. NULL if it
 * is set nowhere. The decision is made once: what later phases do to the
 * request's headers does not count.
 */
static cors_request_conf *cors_govern(request_rec *r, int place_known)
{
    static const cors_decision no_permission = CORS_DECISION_INIT;
    const cors_dir_conf *dir =
        ap_get_module_config(r->per_dir_config, &cors_module);
    const cors_server_conf *server =
        ap_get_module_config(r->server->module_config, &cors_module);
    cors_request_conf *conf;
    request_rec *each;

    for (each = r; each; each = each->prev) {
        conf = ap_get_module_config(each->request_config, &cors_module);
        if (conf && conf != &cors_nested) {
            return conf;
        }
    }

    place_known = place_known || !server->in_sections;
    if (place_known && !dir->enforced.set) {
        return NULL;
    }

    conf = apr_pcalloc(r->pool, sizeof(*conf));
    conf->off = place_known && !dir->enforced.policy;
    conf->decision = no_permission;
    ap_set_module_config(r->request_config, &cors_module, conf);
    if (!conf->off) {
        cors_decide(r, "CorsPolicy",
                    place_known ? dir->enforced.policy : NULL,
                    &conf->decision);
    }
    return conf;
}

static void cors_note(request_rec *r, const char *prefix,
                      const cors_decision *decision)
{
    apr_table_setn(r->notes, apr_pstrcat(r->pool, prefix, "verdict", NULL),
                   cors_verdict_text(decision->verdict));
    apr_table_setn(r->notes, apr_pstrcat(r->pool, prefix, "reason", NULL),
                   cors_reason_text(decision->reason));
    if (decision->culprit.ptr) {
        apr_table_setn(r->notes,
                       apr_pstrcat(r->pool, prefix, "culprit", NULL),
                       apr_pstrmemdup(r->pool, decision->culprit.ptr,
                                      decision->culprit.len));
    }
}

static int cors_copy_note(void *r, const char *name, const char *value)
{
    apr_table_setn(((request_rec *)r)->notes, name, value);
    return 1;
}

/*
 * What the candidate would have done is only noted. As with CorsPolicy, the
 * first section in which it is set applies to the request.
 */
static void cors_report(request_rec *r)
{
    const cors_dir_conf *dir =
        ap_get_module_config(r->per_dir_config, &cors_module);
    cors_decision decision = CORS_DECISION_INIT;
    request_rec *each;

    for (each = r; each; each = each->prev) {
        if (apr_table_get(each->notes, CORS_REPORT "verdict")) {
            apr_table_do(cors_copy_note, r, each->notes, CORS_REPORT "verdict",
                         CORS_REPORT "reason", CORS_REPORT "culprit", NULL);
            return;
        }
    }
    if (dir->candidate.policy) {
        cors_decide(r, "CorsReportOnly", dir->candidate.policy, &decision);
        cors_note(r, CORS_REPORT, &decision);
    }
    else if (dir->candidate.set) {
        /* As logs show what is not there. */
        apr_table_setn(r->notes, CORS_REPORT "verdict", "-");
    }
}

static int cors_answer(request_rec *r, cors_request_conf *conf)
{
    int status = conf && !conf->off ? (int)conf->decision.status : 0;

    if (!status) {
        return DECLINED;
    }
    conf->answered = 1;
    /* Otherwise an ErrorDocument replaces the response, or httpd's page. */
    ap_custom_response(r, status,
                       cors_is_blocked(conf) ? CORS_BLOCKED_BODY : "");
    return status;
}

/* The first phase that knows the section, the last before access control. */
static int cors_header_parser(request_rec *r)
{
    cors_report(r);
    return cors_answer(r, cors_govern(r, 1));
}

/*
 * Modules also respond in the phases before it: the Redirect of a section, the
 * RewriteRule of a server, a link that is not followed. httpd stops at the
 * first module that responds, so the first hook runs all the others. If one of
 * them responds, no later phase changes the section.
 */
static int cors_run_others(request_rec *r, int (*run)(request_rec *r),
                           int walk)
{
    ap_conf_vector_t *place;
    cors_request_conf *conf;
    int status, answer;

    if (r->main
        || ap_get_module_config(r->request_config, &cors_module) != NULL) {
        return DECLINED;
    }

    ap_set_module_config(r->request_config, &cors_module, &cors_nested);
    status = run(r);
    if (ap_get_module_config(r->request_config, &cors_module)
        == &cors_nested) {
        ap_set_module_config(r->request_config, &cors_module, NULL);
    }
    if (!ap_is_HTTP_VALID_RESPONSE(status)) {
        return status;
    }

    place = r->per_dir_config;
    if (walk) {
        /* httpd looks for the <Location> only once the file is known. */
        ap_location_walk(r);
        ap_if_walk(r);
    }
    cors_report(r);
    conf = cors_govern(r, 1);
    /* The choice of the ErrorDocument does not change. */
    r->per_dir_config = place;

    answer = cors_answer(r, conf);
    if (answer == DECLINED) {
        return status;
    }
    apr_table_unset(r->headers_out, "Location");
    apr_table_unset(r->err_headers_out, "Location");
    return answer;
}

static int cors_translate_name(request_rec *r)
{
    return cors_run_others(r, ap_run_translate_name, 0);
}

static int cors_map_to_storage(request_rec *r)
{
    return cors_run_others(r, ap_run_map_to_storage, 1);
}

static void cors_drop_headers(apr_table_t *headers)
{
    const apr_array_header_t *lines = apr_table_elts(headers);
    const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
    int i;

    for (i = lines->nelts - 1; i >= 0; i--) {
        /* One call removes every field of this name. */
        if (i < lines->nelts
            && !ap_cstr_casecmpn(line[i].key, CORS_PREFIX,
                                 sizeof(CORS_PREFIX) - 1)) {
            apr_table_unset(headers, line[i].key);
        }
    }
}

static int cors_varies_by_all(request_rec *r, const apr_table_t *headers)
{
    const char *vary = apr_table_getm(r->pool, headers, "Vary");

    return vary && ap_find_list_item(r->pool, vary, "*");
}

/* Runs once for each response, after every filter that sets headers. */
static apr_status_t cors_output_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const cors_request_conf *conf = f->ctx;
    const cors_decision *decision = &conf->decision;
    int varies_by_all = cors_varies_by_all(r, r->headers_out)
                        || cors_varies_by_all(r, r->err_headers_out);
    apr_uint32_t i;

    cors_drop_headers(r->headers_out);
    cors_drop_headers(r->err_headers_out);

    for (i = 0; i < decision->header_count; i++) {
        const char *name = decision->headers[i].name.ptr;
        cors_str value = decision->headers[i].value;

        if (!strcmp(name, CORS_TIMING)) {
            apr_table_unset(r->headers_out, name);
            apr_table_unset(r->err_headers_out, name);
        }
        /* httpd itself writes one Vary, with each name once. */
        if (!varies_by_all || ap_cstr_casecmp(name, "Vary")) {
            apr_table_addn(r->headers_out, name,
                           apr_pstrmemdup(r->pool, value.ptr, value.len));
        }
    }

    if (conf->answered) {
        ap_set_content_type(r, cors_is_blocked(conf) ? "text/plain" : NULL);
    }

    cors_note(r, "cors-", decision);

    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static void cors_insert(request_rec *r, int place_known)
{
    cors_request_conf *conf;

    if (!r->main && (conf = cors_govern(r, place_known)) && !conf->off) {
        ap_add_output_filter_handle(cors_filter_handle, conf, r,
                                    r->connection);
    }
}

/* A quick handler, mod_cache's, responds before the request has a file. */
static void cors_insert_filter(request_rec *r)
{
    cors_insert(r, r->filename != NULL);
}

static void cors_insert_error_filter(request_rec *r)
{
    cors_insert(r, r->filename || r->status != HTTP_NOT_MODIFIED);
}

static void cors_log_diagnostic(void *context, const cors_diagnostic *d)
{
    const char *directive = context;
    int warning = d->severity == CORS_SEVERITY_WARNING;
    char place[64] = "";

    /* At startup, httpd reads the configuration twice. */
    if (warning
        && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        && ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL) {
        return;
    }
    if (d->line) {
        apr_snprintf(place, sizeof(place), ":%u:%u", d->line, d->column);
    }
    /* For no server: a virtual host has no log yet. */
    ap_log_error(APLOG_MARK, warning ? APLOG_WARNING : APLOG_ERR, 0, NULL,
                 "%s%s: %.*s%s%.*s (%.*s)", directive, place,
                 (int)d->message.len, d->message.ptr, d->help.ptr ? "; " : "",
                 d->help.ptr ? (int)d->help.len : 0,
                 d->help.ptr ? d->help.ptr : "", (int)d->code.len,
                 d->code.ptr);
}

static apr_status_t cors_free_policy(void *policy)
{
    cors_policy_free(policy);
    return APR_SUCCESS;
}

/* What the argument is instead of a file; NULL if it can be a file. */
static const char *cors_no_file(apr_pool_t *p, const char *directive,
                                const char *arg)
{
    const char *expected = apr_pstrcat(
        p, directive, ": expected a file or \"off\", found ", NULL);
    static const char *const words[] = {
        "on", "true", "yes", "1", "none", "false", "no", "0", NULL
    };
    const char *start = ap_strstr_c(arg, "${");
    const char *end = start ? ap_strchr_c(start, '}') : NULL;
    int i;

    if (end) {
        return apr_psprintf(p, "%sthe undefined variable %.*s; use Define or "
                            "the environment to set it", expected,
                            (int)(end + 1 - start), start);
    }
    if (start || ap_strstr_c(arg, "%{")) {
        return apr_psprintf(p, "%s\"%s\"; use a fixed name, which is not "
                            "expanded for each request", expected, arg);
    }
    if (*arg == '{') {
        return apr_psprintf(p, "%sJSON; use the name of a file that contains "
                            "it", expected);
    }
    if (!strcmp(arg, "*") || ap_strstr_c(arg, "://")) {
        return apr_psprintf(p, "%san origin; add \"%s\" to allow_origins in "
                            "a policy file", expected, arg);
    }
    for (i = 0; words[i]; i++) {
        if (!ap_cstr_casecmp(arg, words[i])) {
            return apr_psprintf(p, "%s\"%s\"; use %s", expected, arg,
                                i < 4 ? "the name of a policy file" : "off");
        }
    }
    return NULL;
}

static const char *cors_set_policy(cmd_parms *cmd, void *dir_conf,
                                   const char *arg)
{
    static const char key[] = "mod_cors:policies";
    const char *name = cmd->cmd->name;
    cors_choice *conf =
        (cors_choice *)((char *)dir_conf + (apr_size_t)cmd->info);
    const char *error = ap_check_cmd_context(cmd, NOT_IN_LIMIT);
    char *file;
    apr_finfo_t finfo;
    apr_hash_t *policies = NULL;
    cors_status status;

    if (error) {
        return error;
    }
    if (conf->set) {
        return apr_pstrcat(cmd->pool, name,
                           " may be set only once per context", NULL);
    }
    conf->set = 1;

    if (cmd->path && conf == &((cors_dir_conf *)dir_conf)->enforced) {
        cors_server_conf *server =
            ap_get_module_config(cmd->server->module_config, &cors_module);
        server->in_sections = 1;
    }
    if (!ap_cstr_casecmp(arg, "off")) {
        return NULL;
    }

    file = ap_server_root_relative(cmd->pool, arg);
    if (!file) {
        return apr_pstrcat(cmd->pool, name, ": invalid path ", arg, NULL);
    }

    /* A file that is used in many sections is loaded once. */
    apr_pool_userdata_get((void **)&policies, key, cmd->pool);
    if (!policies) {
        policies = apr_hash_make(cmd->pool);
        apr_pool_userdata_setn(policies, key, NULL, cmd->pool);
    }
    conf->policy = apr_hash_get(policies, file, APR_HASH_KEY_STRING);
    if (conf->policy) {
        return NULL;
    }

    /* A file may have any name. */
    error = cors_no_file(cmd->pool, name, arg);
    if (error
        && apr_stat(&finfo, file, APR_FINFO_TYPE, cmd->pool) != APR_SUCCESS) {
        return error;
    }

    status = cors_policy_load_file(
        file, cors_log_diagnostic,
        apr_psprintf(cmd->pool, "%s \"%s\"", name, file), &conf->policy);
    if (status != CORS_OK) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" could not be loaded: %s", name,
                            file, cors_status_text(status));
    }
    apr_pool_cleanup_register(cmd->pool, conf->policy, cors_free_policy,
                              apr_pool_cleanup_null);
    apr_hash_set(policies, file, APR_HASH_KEY_STRING, conf->policy);
    return NULL;
}

static void *cors_create_dir_conf(apr_pool_t *p, char *path)
{
    (void)path;
    return apr_pcalloc(p, sizeof(cors_dir_conf));
}

static void *cors_merge_dir_conf(apr_pool_t *p, void *base, void *add)
{
    cors_dir_conf *outer = base, *inner = add, *merged;

    if (!inner->enforced.set && !inner->candidate.set) {
        return base;
    }
    merged = apr_palloc(p, sizeof(*merged));
    merged->enforced = inner->enforced.set ? inner->enforced
                                           : outer->enforced;
    merged->candidate = inner->candidate.set ? inner->candidate
                                             : outer->candidate;
    return merged;
}

static void *cors_create_server_conf(apr_pool_t *p, server_rec *s)
{
    (void)s;
    return apr_pcalloc(p, sizeof(cors_server_conf));
}

static void *cors_merge_server_conf(apr_pool_t *p, void *base, void *add)
{
    (void)p;
    return ((cors_server_conf *)base)->in_sections ? base : add;
}

static void cors_register_hooks(apr_pool_t *p)
{
    (void)p;
    /* After mod_headers and mod_cache, which stores headers without ours. */
    cors_filter_handle =
        ap_register_output_filter("CORS", cors_output_filter, NULL,
                                  (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
    ap_hook_translate_name(cors_translate_name, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(cors_map_to_storage, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_header_parser(cors_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_FIRST);
    ap_hook_insert_filter(cors_insert_filter, NULL, NULL,
                          APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(cors_insert_error_filter, NULL, NULL,
                                APR_HOOK_REALLY_LAST);
}

static const command_rec cors_commands[] = {
    /* Not in .htaccess, which would load the file for each request. */
    AP_INIT_TAKE1("CorsPolicy", cors_set_policy,
                  (void *)APR_OFFSETOF(cors_dir_conf, enforced),
                  RSRC_CONF | ACCESS_CONF,
                  "a policy file, relative to ServerRoot, or off"),
    AP_INIT_TAKE1("CorsReportOnly", cors_set_policy,
                  (void *)APR_OFFSETOF(cors_dir_conf, candidate),
                  RSRC_CONF | ACCESS_CONF,
                  "a policy file that is tried but not enforced, or off"),
    { NULL }
};

module AP_MODULE_DECLARE_DATA cors_module = {
    STANDARD20_MODULE_STUFF,
    cors_create_dir_conf,
    cors_merge_dir_conf,
    cors_create_server_conf,
    cors_merge_server_conf,
    cors_commands,
    cors_register_hooks,
    AP_MODULE_FLAG_NONE
};
