
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#include "ngx_http_cors_module.h"


/* nginx's strings are not const, but it does not write to these */

#define ngx_http_cors_data(str)  ((u_char *) (uintptr_t) (str).ptr)


/*
 * loc_conf: that of the location of the last decision
 * late: nginx had responded to the preflight before this decision
 */

typedef struct {
    cors_decision  *decision[2];
    void          **loc_conf;

    u_char          late[2];
    u_char          answered;

    cors_decision   first;
} ngx_http_cors_ctx_t;


static ngx_int_t ngx_http_cors_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_cors_answer_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_cors_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_cors_set_headers(ngx_http_request_t *r)
    __attribute__((noinline));
#if (nginx_version >= 1029000)
static ngx_int_t ngx_http_cors_early_hints_filter(ngx_http_request_t *r);
#endif
static ngx_http_cors_ctx_t *ngx_http_cors_decide(ngx_http_request_t *r,
    ngx_uint_t late);
static void ngx_http_cors_cleanup(void *data);
static void ngx_http_cors_evaluate(ngx_http_request_t *r,
    ngx_http_cors_ctx_t *ctx, ngx_uint_t i, cors_policy *policy)
    __attribute__((noinline));
static void ngx_http_cors_fail(ngx_http_request_t *r,
    ngx_http_cors_ctx_t *ctx, ngx_uint_t i);
static ngx_int_t ngx_http_cors_remove_names(ngx_http_request_t *r,
    ngx_table_elt_t *vary, ngx_str_t *present);
static void ngx_http_cors_drop(ngx_http_request_t *r, cors_str *name,
    ngx_table_elt_t *end)
    __attribute__((noinline));
static ngx_int_t ngx_http_cors_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_cors_answer_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_cors_commands[] = {

    /* not in "if" blocks, which are entered after the preflight is answered */

    { ngx_string("cors_policy"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_cors_policy,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_cors_loc_conf_t, policy[0]),
      NULL },

    { ngx_string("cors_report_only"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_cors_policy,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_cors_loc_conf_t, policy[1]),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_cors_module_ctx = {
    ngx_http_cors_add_variables,           /* preconfiguration */
    ngx_http_cors_init,                    /* postconfiguration */

    ngx_http_cors_create_main_conf,        /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_cors_create_loc_conf,         /* create location configuration */
    ngx_http_cors_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_cors_module = {
    NGX_MODULE_V1,
    &ngx_http_cors_module_ctx,             /* module context */
    ngx_http_cors_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_module_t  ngx_http_cors_answer_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_cors_answer_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_cors_answer_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_cors_answer_filter_module_ctx, /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_str_t  ngx_http_cors_text = ngx_string("text/plain");

static ngx_http_output_header_filter_pt  ngx_http_next_answer_filter;
static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

#if (nginx_version >= 1029000)
static ngx_http_output_header_filter_pt  ngx_http_next_early_hints_filter;
#endif


/* "off" and unset decide nothing */

static ngx_inline cors_decision *
ngx_http_cors_decision(ngx_http_cors_ctx_t *ctx, ngx_uint_t i)
{
    cors_decision  *d;

    d = ctx->decision[i];

    return (d == NGX_CONF_UNSET_PTR) ? NULL : d;
}


static ngx_inline ngx_uint_t
ngx_http_cors_is_cors(ngx_table_elt_t *h)
{
    return h->key.len >= sizeof("Access-Control-") - 1
           && ngx_strncasecmp(h->key.data, (u_char *) "Access-Control-",
                              sizeof("Access-Control-") - 1)
              == 0;
}


/*
 * of the decision's headers, Access-Control-* replace all of that prefix, Vary
 * is completed, and each other one, Timing-Allow-Origin, replaces its name
 */

#define ngx_http_cors_is_permission(name)  ((name)->ptr[0] == 'a')
#define ngx_http_cors_is_vary(name)        ((name)->len == sizeof("vary") - 1)


/* no decision was made or is needed; a subrequest never needs one */

static ngx_inline ngx_uint_t
ngx_http_cors_unset(ngx_http_request_t *r)
{
    ngx_http_cors_loc_conf_t  *colcf;

    colcf = ngx_http_get_module_loc_conf(r, ngx_http_cors_module);

    return (colcf->policy[0] == NGX_CONF_UNSET_PTR
            && colcf->policy[1] == NGX_CONF_UNSET_PTR
            && ngx_http_get_module_ctx(r, ngx_http_cors_module) == NULL
            && !r->internal && !r->filter_finalize)
           || r != r->main;
}


static ngx_inline ngx_http_cors_ctx_t *
ngx_http_cors_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_cors_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_cors_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        /* the context was reset but can be found in the cleanup handler */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_cors_cleanup) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_cors_module);
                break;
            }
        }
    }

    return ctx;
}


static ngx_int_t
ngx_http_cors_handler(ngx_http_request_t *r)
{
    ngx_uint_t                 late;
    cors_decision             *d;
    ngx_http_cors_ctx_t       *ctx;
    ngx_http_complex_value_t   body;

    if (ngx_http_cors_unset(r)) {
        return NGX_DECLINED;
    }

    /* an error that becomes a success is not late: error_page 405 =200 */

    late = r->method == NGX_HTTP_OPTIONS
           && (r->err_status >= NGX_HTTP_SPECIAL_RESPONSE || r->header_sent);

    ctx = ngx_http_cors_decide(r, late);
    if (ctx == NULL) {

        /* an error page or a post_action could be the application */

        return NGX_HTTP_CLOSE;
    }

    d = ngx_http_cors_decision(ctx, 0);

    if (d == NULL || d->status == 0
        || (late && d->verdict != CORS_VERDICT_BLOCKED
            && d->status != NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        return NGX_DECLINED;
    }

    if (r->header_sent || r->post_action) {

        /* a blocked request does not reach a post_action either */

        return r->header_sent ? NGX_OK : NGX_HTTP_CLOSE;
    }

    ctx->answered = 1;
    ctx->late[0] = 0;

    r->err_status = 0;
    r->disable_not_modified = 1;

    /* error_page could send a returned 403 to the application */

    ngx_memzero(&body, sizeof(ngx_http_complex_value_t));

    if (d->verdict == CORS_VERDICT_BLOCKED) {
        ngx_str_set(&body.value, CORS_BLOCKED_BODY);
    }

    return ngx_http_send_response(r, d->status, &ngx_http_cors_text, &body);
}


/* runs after add_header: other filters could change or delay the response */

static ngx_int_t
ngx_http_cors_answer_filter(ngx_http_request_t *r)
{
    ngx_http_cors_ctx_t  *ctx;

    /* set together with "answered", and for few other requests */

    if (!r->disable_not_modified || r != r->main) {
        return ngx_http_next_answer_filter(r);
    }

    ctx = ngx_http_cors_get_ctx(r);

    if (ctx == NULL || !ctx->answered) {
        return ngx_http_next_answer_filter(r);
    }

    ngx_http_clear_content_length(r);

    r->headers_out.status = ctx->decision[0]->status;
    r->headers_out.status_line.len = 0;
    r->expect_trailers = 0;

    if (ctx->decision[0]->verdict == CORS_VERDICT_BLOCKED) {
        r->headers_out.content_type = ngx_http_cors_text;
        r->headers_out.content_length_n = sizeof(CORS_BLOCKED_BODY) - 1;

    } else {
        ngx_str_null(&r->headers_out.content_type);
        r->headers_out.content_length_n = 0;
        r->header_only = 1;
    }

    return ngx_http_cors_set_headers(r);
}


static ngx_int_t
ngx_http_cors_header_filter(ngx_http_request_t *r)
{
    return ngx_http_cors_unset(r) ? ngx_http_next_header_filter(r)
                                  : ngx_http_cors_set_headers(r);
}


/* not inline, so that requests without a policy do not save its registers */

static ngx_int_t
ngx_http_cors_set_headers(ngx_http_request_t *r)
{
    ngx_uint_t            i;
    cors_header          *header, *end;
    cors_decision        *d;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h, *first, *vary;
    ngx_http_cors_ctx_t  *ctx;

    /* the decision on a 400, a slash redirect or a server's "return" */

    ctx = ngx_http_cors_get_ctx(r);

    if (ctx == NULL || ctx->loc_conf != r->loc_conf) {
        ctx = ngx_http_cors_decide(r, 1);
        if (ctx == NULL) {

            /* a post_action would not know of this policy, so there is none */

            r->post_action = 1;
            r->uri_changes = 0;

            return NGX_ERROR;
        }
    }

    d = ngx_http_cors_decision(ctx, 0);
    if (d == NULL) {
        return ngx_http_next_header_filter(r);
    }

    if (d->status && ctx->late[0]) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "cors: the preflight got status %ui%s before the "
                      "policy could answer it", r->headers_out.status,
                      (r->headers_out.status < NGX_HTTP_SPECIAL_RESPONSE)
                      ? "" : ", which browsers reject,");
    }

    first = NULL;
    vary = NULL;

    end = d->headers + d->header_count;

    for (header = d->headers; header < end; header++) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        h->hash = 1;
        h->key.data = ngx_http_cors_data(header->name);
        h->key.len = header->name.len;
        h->value.data = ngx_http_cors_data(header->value);
        h->value.len = header->value.len;
        h->lowcase_key = h->key.data;
#if (nginx_version >= 1023000)
        h->next = NULL;
#endif

        if (first == NULL) {
            first = h;
        }

        if (ngx_http_cors_is_permission(&header->name)) {
            continue;
        }

        if (ngx_http_cors_is_vary(&header->name)) {
            vary = h;

        } else {
            ngx_http_cors_drop(r, &header->name, h);
        }
    }

    /* the headers before ours; a 416 comes twice, so ours are there as well */

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {

            if (h == first) {
                return ngx_http_next_header_filter(r);
            }

            if (ngx_http_cors_is_cors(h)) {
                h->hash = 0;
            }

            if (vary != NULL && h->hash && h->key.len == vary->key.len
                && ngx_strncasecmp(h->key.data, vary->key.data, h->key.len)
                   == 0
                && ngx_http_cors_remove_names(r, vary, &h->value) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return ngx_http_next_header_filter(r);
}


#if (nginx_version >= 1029000)

static ngx_int_t
ngx_http_cors_early_hints_filter(ngx_http_request_t *r)
{
    cors_str             *name;
    ngx_uint_t            i;
    cors_decision        *d;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h;
    ngx_http_cors_ctx_t  *ctx;

    ctx = (r == r->main) ? ngx_http_cors_get_ctx(r) : NULL;
    d = (ctx == NULL) ? NULL : ngx_http_cors_decision(ctx, 0);

    if (d == NULL) {
        return ngx_http_next_early_hints_filter(r);
    }

    for (i = 0; i < d->header_count; i++) {
        name = &d->headers[i].name;

        if (!ngx_http_cors_is_vary(name)) {
            ngx_http_cors_drop(r, name, NULL);
        }
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {
            if (ngx_http_cors_is_cors(h)) {
                h->hash = 0;
            }
        }
    }

    return ngx_http_next_early_hints_filter(r);
}

#endif


static ngx_http_cors_ctx_t *
ngx_http_cors_decide(ngx_http_request_t *r, ngx_uint_t late)
{
    ngx_uint_t                 i;
    ngx_pool_cleanup_t        *cln;
    ngx_http_cors_ctx_t       *ctx;
    ngx_http_cors_loc_conf_t  *colcf;

    colcf = ngx_http_get_module_loc_conf(r, ngx_http_cors_module);
    ctx = ngx_http_cors_get_ctx(r);

    if (ctx == NULL) {
        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_cors_ctx_t));
        if (cln == NULL) {
            return NULL;
        }

        ctx = cln->data;
        ctx->decision[0] = NGX_CONF_UNSET_PTR;
        ctx->decision[1] = NGX_CONF_UNSET_PTR;
        ctx->loc_conf = NULL;
        ctx->answered = 0;

        cln->handler = ngx_http_cors_cleanup;
        ngx_http_set_ctx(r, ctx, ngx_http_cors_module);
    }

    /* the first location that sets a policy or "off" decides on the request */

    for (i = 0; i < 2; i++) {
        if (ctx->decision[i] == NGX_CONF_UNSET_PTR
            && colcf->policy[i] != NGX_CONF_UNSET_PTR)
        {
            ctx->late[i] = (u_char) late;
            ngx_http_cors_evaluate(r, ctx, i, colcf->policy[i]);
        }
    }

    ctx->loc_conf = r->loc_conf;

    return ctx;
}


static void
ngx_http_cors_cleanup(void *data)
{
    /* only shows where the context can be found */
}


static void
ngx_http_cors_evaluate(ngx_http_request_t *r, ngx_http_cors_ctx_t *ctx,
    ngx_uint_t i, cors_policy *policy)
{
    char            text[NGX_MAX_ERROR_STR];
    ngx_uint_t      level;
    cors_request    request = CORS_REQUEST_INIT;
    cors_decision  *d;

    if (policy == NULL) {
        ctx->decision[i] = NULL;
        return;
    }

    d = i ? ngx_palloc(r->pool, sizeof(cors_decision)) : &ctx->first;

    if (d == NULL || ngx_http_cors_read_request(r, &request) != NGX_OK) {
        ngx_http_cors_fail(r, ctx, i);
        return;
    }

    d->size = sizeof(cors_decision);

    if (cors_evaluate(policy, &request, d) != CORS_OK) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "cors_evaluate() failed, so nothing is permitted");
    }

    level = (d->verdict == CORS_VERDICT_BLOCKED) ? NGX_LOG_WARN : NGX_LOG_INFO;

    /* a late preflight is not answered as the explanation says */

    if (d->reason != CORS_REASON_NONE
        && r->connection->log->log_level >= level
        && !(d->status && ctx->late[i]))
    {
        (void) cors_explain(policy, &request, text, sizeof(text));
        ngx_log_error(level, r->connection->log, 0, "cors%s: %s",
                      i ? " report only" : "", text);
    }

    /* only a preflight can go unanswered */

    if (d->verdict == CORS_VERDICT_BLOCKED) {
        ctx->late[i] = 0;
    }

    ctx->decision[i] = d;
}


/* the policy could block the request; a candidate changes nothing */

static void
ngx_http_cors_fail(ngx_http_request_t *r, ngx_http_cors_ctx_t *ctx,
    ngx_uint_t i)
{
    static const cors_decision  nothing = CORS_DECISION_INIT;

    ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                  "cors%s: no memory for a decision", i ? " report only" : "");

    if (i) {
        ctx->decision[1] = NULL;
        return;
    }

    ctx->first = nothing;
    ctx->first.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    ctx->decision[0] = &ctx->first;
    ctx->late[0] = 0;
}


static ngx_int_t
ngx_http_cors_remove_names(ngx_http_request_t *r, ngx_table_elt_t *vary,
    ngx_str_t *present)
{
    u_char    *p;
    cors_str   existing, wanted;

    p = ngx_pnalloc(r->pool, CORS_VARY_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    existing.ptr = (char *) present->data;
    existing.len = present->len;
    wanted.ptr = (char *) vary->value.data;
    wanted.len = vary->value.len;

    vary->value.len = cors_vary_missing(existing, wanted, (char *) p,
                                        CORS_VARY_MAX);
    vary->value.data = p;
    vary->hash = (vary->value.len != 0);

    return NGX_OK;
}


static void
ngx_http_cors_drop(ngx_http_request_t *r, cors_str *name, ngx_table_elt_t *end)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {

            if (h == end) {
                return;
            }

            if (h->key.len == name->len
                && ngx_strncasecmp(h->key.data, (u_char *) name->ptr,
                                   name->len)
                   == 0)
            {
                h->hash = 0;
            }
        }
    }
}


ngx_int_t
ngx_http_cors_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    cors_str              value;
    ngx_uint_t            i;
    cors_decision        *d;
    ngx_http_cors_ctx_t  *ctx;

    /* a subrequest has no decision of its own */

    i = data / NGX_HTTP_CORS_REPORT;
    ctx = ngx_http_cors_get_ctx(r->main);
    d = (ctx == NULL) ? NULL : ngx_http_cors_decision(ctx, i);

    if (d == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (data % NGX_HTTP_CORS_REPORT) {

    case NGX_HTTP_CORS_VERDICT:
        value.ptr = (d->status && ctx->late[i])
                    ? "preflight_unanswered"
                    : cors_verdict_text(d->verdict);
        value.len = ngx_strlen(value.ptr);
        break;

    case NGX_HTTP_CORS_REASON:
        value.ptr = cors_reason_text(d->reason);
        value.len = ngx_strlen(value.ptr);
        break;

    case NGX_HTTP_CORS_CULPRIT:
        value = d->culprit;
        break;

    default: /* NGX_HTTP_CORS_PATTERN */
        value = d->pattern;
    }

    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (value.ptr == NULL);
    v->data = ngx_http_cors_data(value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_cors_init(ngx_conf_t *cf)
{
    ngx_array_t                *files;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    files = ngx_http_conf_get_module_main_conf(cf, ngx_http_cors_module);

    if (files->nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_cors_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_cors_header_filter;

#if (nginx_version >= 1029000)
    ngx_http_next_early_hints_filter = ngx_http_top_early_hints_filter;
    ngx_http_top_early_hints_filter = ngx_http_cors_early_hints_filter;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_cors_answer_init(ngx_conf_t *cf)
{
    ngx_array_t  *files;

    files = ngx_http_conf_get_module_main_conf(cf, ngx_http_cors_module);

    if (files->nelts) {
        ngx_http_next_answer_filter = ngx_http_top_header_filter;
        ngx_http_top_header_filter = ngx_http_cors_answer_filter;
    }

    return NGX_OK;
}
