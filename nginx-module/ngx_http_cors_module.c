
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <cors.h>


/* in the order of ngx_http_cors_vars */

#define NGX_HTTP_CORS_VERDICT  0
#define NGX_HTTP_CORS_REASON   1
#define NGX_HTTP_CORS_CULPRIT  2
#define NGX_HTTP_CORS_PATTERN  3
#define NGX_HTTP_CORS_REPORT   4


/* of a header of the request or our own: the others have no lowcase_key */

#define ngx_http_cors_is(h, name)                                             \
    ((h)->key.len == sizeof(name) - 1 && (h)->hash                            \
     && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)

#define ngx_http_cors_space(c)      ((c) == ' ' || (c) == '\t')
#define ngx_http_cors_separator(c)  ((c) == ',' || ngx_http_cors_space(c))


typedef struct {
    ngx_str_t       name;
    cors_policy    *policy;
} ngx_http_cors_file_t;


/* [1] is only reported; NULL is "off", which is not the same as unset */

typedef struct {
    cors_policy    *policy[2];
} ngx_http_cors_loc_conf_t;


typedef struct {
    cors_decision  *decision[2];
} ngx_http_cors_ctx_t;


static ngx_int_t ngx_http_cors_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_cors_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_cors_set_headers(ngx_http_request_t *r)
    __attribute__((noinline));
static ngx_int_t ngx_http_cors_decide(ngx_http_request_t *r,
    cors_decision **decision);
static void ngx_http_cors_cleanup(void *data);
static ngx_int_t ngx_http_cors_evaluate(ngx_http_request_t *r,
    cors_policy *policy, cors_decision **decision)
    __attribute__((noinline));
static ngx_int_t ngx_http_cors_read_request(ngx_http_request_t *r,
    cors_request *request);
static ngx_int_t ngx_http_cors_remove_names(ngx_http_request_t *r,
    ngx_table_elt_t *vary, ngx_str_t *present);
static ngx_uint_t ngx_http_cors_next_name(ngx_str_t *list, ngx_str_t *name);
static ngx_int_t ngx_http_cors_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static char *ngx_http_cors_policy(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_http_cors_diagnostic(void *data, const cors_diagnostic *d);
static void ngx_http_cors_free_policy(void *data);
static ngx_int_t ngx_http_cors_add_variables(ngx_conf_t *cf);
static void *ngx_http_cors_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_cors_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_cors_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_cors_init(ngx_conf_t *cf);


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


static ngx_str_t  ngx_http_cors_vars[] = {
    ngx_string("cors_verdict"),
    ngx_string("cors_reason"),
    ngx_string("cors_culprit"),
    ngx_string("cors_pattern"),
    ngx_string("cors_report_verdict"),
    ngx_string("cors_report_reason"),
    ngx_string("cors_report_culprit")
};


static ngx_str_t  ngx_http_cors_no_type;
static ngx_http_complex_value_t  ngx_http_cors_no_body;
static ngx_str_t  ngx_http_cors_prefix = ngx_string("Access-Control-");


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


/* nothing was decided, and nothing is to be; nor is it for a subrequest */

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
    cors_decision  *decision;

    if (ngx_http_cors_unset(r)) {
        return NGX_DECLINED;
    }

    if (ngx_http_cors_decide(r, &decision) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* in an error page or a post action there is an answer already */

    if (decision == NULL || decision->status == 0
        || r->err_status || r->header_sent)
    {
        return NGX_DECLINED;
    }

    /* a 403 that is returned could go to the application by error_page */

    return ngx_http_send_response(r, decision->status, &ngx_http_cors_no_type,
                                  &ngx_http_cors_no_body);
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
    ngx_uint_t        i;
    cors_header      *header;
    cors_decision    *decision;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *first, *vary;

    /* a 400, a slash redirect or a server's "return" is decided on here */

    if (ngx_http_cors_decide(r, &decision) != NGX_OK) {
        return NGX_ERROR;
    }

    if (decision == NULL) {
        return ngx_http_next_header_filter(r);
    }

    first = NULL;
    vary = NULL;

    for (i = 0; i < decision->header_count; i++) {
        header = &decision->headers[i];

        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        h->hash = 1;
        h->key.data = (u_char *) header->name.ptr;
        h->key.len = header->name.len;
        h->value.data = (u_char *) header->value.ptr;
        h->value.len = header->value.len;
        h->lowcase_key = h->key.data;
#if (nginx_version >= 1023000)
        h->next = NULL;
#endif

        if (i == 0) {
            first = h;
        }

        if (ngx_http_cors_is(h, "vary")) {
            vary = h;
        }
    }

    /* what stood there before; of a 416, which comes twice, our own as well */

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {

            if (h == first) {
                return ngx_http_next_header_filter(r);
            }

            if (h->key.len >= ngx_http_cors_prefix.len
                && ngx_strncasecmp(h->key.data, ngx_http_cors_prefix.data,
                                   ngx_http_cors_prefix.len)
                   == 0)
            {
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


static ngx_int_t
ngx_http_cors_decide(ngx_http_request_t *r, cors_decision **decision)
{
    ngx_uint_t                 i;
    cors_decision             *d;
    ngx_pool_cleanup_t        *cln;
    ngx_http_cors_ctx_t       *ctx;
    ngx_http_cors_loc_conf_t  *colcf;

    colcf = ngx_http_get_module_loc_conf(r, ngx_http_cors_module);
    ctx = ngx_http_cors_get_ctx(r);

    if (ctx == NULL) {
        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_cors_ctx_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        ctx = cln->data;
        ctx->decision[0] = NGX_CONF_UNSET_PTR;
        ctx->decision[1] = NGX_CONF_UNSET_PTR;

        cln->handler = ngx_http_cors_cleanup;
        ngx_http_set_ctx(r, ctx, ngx_http_cors_module);
    }

    /* the first location where a policy or "off" is set governs the request */

    for (i = 0; i < 2; i++) {
        if (ctx->decision[i] == NGX_CONF_UNSET_PTR
            && colcf->policy[i] != NGX_CONF_UNSET_PTR
            && ngx_http_cors_evaluate(r, colcf->policy[i], &ctx->decision[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    d = ctx->decision[0];
    *decision = (d == NGX_CONF_UNSET_PTR) ? NULL : d;

    return NGX_OK;
}


static void
ngx_http_cors_cleanup(void *data)
{
    /* only marks the place where the context can be found */
}


static ngx_int_t
ngx_http_cors_evaluate(ngx_http_request_t *r, cors_policy *policy,
    cors_decision **decision)
{
    char            text[NGX_MAX_ERROR_STR];
    cors_request    request = CORS_REQUEST_INIT;
    cors_decision  *d;

    if (policy == NULL) {
        *decision = NULL;
        return NGX_OK;
    }

    d = ngx_palloc(r->pool, sizeof(cors_decision));

    if (d == NULL || ngx_http_cors_read_request(r, &request) != NGX_OK) {
        return NGX_ERROR;
    }

    d->size = sizeof(cors_decision);

    if (cors_evaluate(policy, &request, d) != CORS_OK) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "cors_evaluate() failed, nothing is permitted");
    }

    if (d->reason != CORS_REASON_NONE
        && r->connection->log->log_level >= NGX_LOG_INFO)
    {
        (void) cors_explain(policy, &request, text, sizeof(text));
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "cors: %s", text);
    }

    *decision = d;

    return NGX_OK;
}


static ngx_int_t
ngx_http_cors_read_request(ngx_http_request_t *r, cors_request *request)
{
    u_char           *p;
    cors_str         *value;
    ngx_str_t         line;
    ngx_uint_t        i;
    ngx_array_t       lines[3], *joined;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    request->method.ptr = (char *) r->method_name.data;
    request->method.len = r->method_name.len;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {

            if (ngx_http_cors_is(h, "origin")) {
                value = &request->origin;
                joined = &lines[0];

            } else if (ngx_http_cors_is(h, "access-control-request-method")) {
                value = &request->request_method;
                joined = &lines[1];

            } else if (ngx_http_cors_is(h, "access-control-request-headers")) {
                value = &request->request_headers;
                joined = &lines[2];

            } else {
                continue;
            }

            line = h->value;

            while (line.len && ngx_http_cors_space(line.data[0])) {
                line.data++;
                line.len--;
            }

            while (line.len && ngx_http_cors_space(line.data[line.len - 1])) {
                line.len--;
            }

            /* an upgraded connection reuses the buffer before it is logged */

            if (r->headers_in.upgrade) {
                line.data = ngx_pstrdup(r->pool, &line);
                if (line.data == NULL) {
                    return NGX_ERROR;
                }
            }

            /* begins where the first line is, and moves when it grows */

            if (value->ptr == NULL) {
                joined->elts = line.data;
                joined->nelts = line.len;
                joined->size = 1;
                joined->nalloc = line.len;
                joined->pool = r->pool;

            } else {
                p = ngx_array_push_n(joined, line.len + 1);
                if (p == NULL) {
                    return NGX_ERROR;
                }

                *p = ',';
                ngx_memcpy(p + 1, line.data, line.len);
            }

            value->ptr = joined->elts;
            value->len = joined->nelts;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_cors_remove_names(ngx_http_request_t *r, ngx_table_elt_t *vary,
    ngx_str_t *present)
{
    u_char     *p, *last;
    ngx_str_t   name, list, other;

    /* room for a ", " after each name, however they are separated now */

    p = ngx_pnalloc(r->pool, 3 * vary->value.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = p;

    while (ngx_http_cors_next_name(&vary->value, &name)) {
        list = *present;

        while (ngx_http_cors_next_name(&list, &other)) {

            if (other.data[0] == '*'
                || (other.len == name.len
                    && ngx_strncasecmp(other.data, name.data, name.len) == 0))
            {
                name.len = 0;
                break;
            }
        }

        if (name.len) {
            last = ngx_cpymem(last, name.data, name.len);
            last = ngx_cpymem(last, ", ", sizeof(", ") - 1);
        }
    }

    vary->value.data = p;
    vary->value.len = (last == p) ? 0 : last - p - (sizeof(", ") - 1);
    vary->hash = (last != p);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_cors_next_name(ngx_str_t *list, ngx_str_t *name)
{
    while (list->len && ngx_http_cors_separator(*list->data)) {
        list->data++;
        list->len--;
    }

    name->data = list->data;

    while (list->len && !ngx_http_cors_separator(*list->data)) {
        list->data++;
        list->len--;
    }

    name->len = list->data - name->data;

    return name->len;
}


static ngx_int_t
ngx_http_cors_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    cors_str              value;
    cors_decision        *d;
    ngx_http_cors_ctx_t  *ctx;

    /* a subrequest has no decision of its own */

    ctx = ngx_http_cors_get_ctx(r->main);
    d = (ctx == NULL) ? NULL : ctx->decision[data / NGX_HTTP_CORS_REPORT];

    if (d == NULL || d == NGX_CONF_UNSET_PTR) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (data % NGX_HTTP_CORS_REPORT) {

    case NGX_HTTP_CORS_VERDICT:
        value.ptr = cors_verdict_text(d->verdict);
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
    v->data = (u_char *) value.ptr;

    return NGX_OK;
}


static char *
ngx_http_cors_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t             *value;
    ngx_uint_t             i;
    ngx_array_t           *files;
    cors_policy          **policy;
    cors_status            status;
    ngx_pool_cleanup_t    *cln;
    ngx_http_cors_file_t  *file;

    policy = (cors_policy **) (p + cmd->offset);

    if (*policy != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        *policy = NULL;
        return NGX_CONF_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    files = ngx_http_conf_get_module_main_conf(cf, ngx_http_cors_module);

    file = files->elts;
    for (i = 0; i < files->nelts; i++) {
        if (ngx_strcmp(file[i].name.data, value[1].data) == 0) {
            *policy = file[i].policy;
            return NGX_CONF_OK;
        }
    }

    file = ngx_array_push(files);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (file == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    status = cors_policy_load_file((char *) value[1].data,
                                   ngx_http_cors_diagnostic, cf,
                                   &file->policy);

    if (status != CORS_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cors policy \"%V\" is not used: %s",
                           &value[1], cors_status_text(status));
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_cors_free_policy;
    cln->data = file->policy;
    file->name = value[1];
    *policy = file->policy;

    return NGX_CONF_OK;
}


static void
ngx_http_cors_diagnostic(void *data, const cors_diagnostic *d)
{
    ngx_conf_t *cf = data;

    u_char      *p;
    u_char       place[sizeof("::") - 1 + 2 * NGX_INT32_LEN];
    ngx_str_t   *value;

    value = cf->args->elts;
    p = place;

    if (d->line) {
        p = ngx_sprintf(p, ":%uD:%uD", d->line, d->column);
    }

    ngx_conf_log_error((d->severity == CORS_SEVERITY_WARNING) ? NGX_LOG_WARN
                                                              : NGX_LOG_EMERG,
                       cf, 0, "cors policy \"%V\"%*s: %*s%s%*s (%*s)",
                       &value[1], p - place, place,
                       d->message.len, d->message.ptr,
                       d->help.ptr ? "; " : "",
                       d->help.ptr ? d->help.len : 0,
                       d->help.ptr ? d->help.ptr : "",
                       d->code.len, d->code.ptr);
}


static void
ngx_http_cors_free_policy(void *data)
{
    cors_policy_free(data);
}


static ngx_int_t
ngx_http_cors_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; i < sizeof(ngx_http_cors_vars) / sizeof(ngx_str_t); i++) {
        var = ngx_http_add_variable(cf, &ngx_http_cors_vars[i],
                                    NGX_HTTP_VAR_CHANGEABLE
                                    |NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_cors_variable;
        var->data = i;
    }

    return NGX_OK;
}


static void *
ngx_http_cors_create_main_conf(ngx_conf_t *cf)
{
    return ngx_array_create(cf->pool, 4, sizeof(ngx_http_cors_file_t));
}


static void *
ngx_http_cors_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_cors_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_cors_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->policy[0] = NGX_CONF_UNSET_PTR;
    conf->policy[1] = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_cors_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_cors_loc_conf_t *prev = parent;
    ngx_http_cors_loc_conf_t *conf = child;

    /* what is set nowhere stays unset: such a location decides nothing */

    ngx_conf_merge_ptr_value(conf->policy[0], prev->policy[0],
                             NGX_CONF_UNSET_PTR);
    ngx_conf_merge_ptr_value(conf->policy[1], prev->policy[1],
                             NGX_CONF_UNSET_PTR);

    return NGX_CONF_OK;
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

    return NGX_OK;
}
