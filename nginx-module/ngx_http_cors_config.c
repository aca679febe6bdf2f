
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#include "ngx_http_cors_module.h"


static char *ngx_http_cors_invalid(ngx_conf_t *cf, ngx_str_t *name);
static void ngx_http_cors_diagnostic(void *data, const cors_diagnostic *d);
static void ngx_http_cors_free_policy(void *data);


static ngx_str_t  ngx_http_cors_vars[] = {
    ngx_string("cors_verdict"),
    ngx_string("cors_reason"),
    ngx_string("cors_culprit"),
    ngx_string("cors_pattern"),
    ngx_string("cors_report_verdict"),
    ngx_string("cors_report_reason"),
    ngx_string("cors_report_culprit")
};


char *
ngx_http_cors_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t             *value, name;
    ngx_uint_t             i;
    ngx_array_t           *files;
    cors_policy          **policy;
    cors_status            status;
    ngx_file_info_t        fi;
    ngx_pool_cleanup_t    *cln;
    ngx_http_cors_file_t  *file;

    policy = (cors_policy **) (p + cmd->offset);

    if (*policy != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcasecmp(value[1].data, (u_char *) "off") == 0) {
        *policy = NULL;
        return NGX_CONF_OK;
    }

    name = value[1];

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

    /* what looks like something else can still be the name of a file */

    if (ngx_file_info(value[1].data, &fi) == NGX_FILE_ERROR
        && ngx_http_cors_invalid(cf, &name) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
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
                           "cors policy \"%V\" could not be loaded: %s",
                           &value[1], cors_status_text(status));
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_cors_free_policy;
    cln->data = file->policy;
    file->name = value[1];
    *policy = file->policy;

    return NGX_CONF_OK;
}


static char *
ngx_http_cors_invalid(ngx_conf_t *cf, ngx_str_t *name)
{
    char       *hint;
    ngx_str_t  *value;

    if (ngx_strcasecmp(name->data, (u_char *) "on") == 0) {
        hint = "";

    } else if (name->data[0] == '{') {
        hint = " (put the policy into a file)";

    } else if (ngx_strchr(name->data, '$') != NULL) {
        hint = " (variables are not supported)";

    } else if (ngx_strcmp(name->data, "*") == 0
               || ngx_strcmp(name->data, "null") == 0
               || ngx_strstr(name->data, "://") != NULL)
    {
        hint = " (list the origins in the policy file)";

    } else {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\" directive, "
                       "it must be a file name or \"off\"%s",
                       name, &value[0], hint);

    return NGX_CONF_ERROR;
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


ngx_int_t
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


void *
ngx_http_cors_create_main_conf(ngx_conf_t *cf)
{
    return ngx_array_create(cf->pool, 4, sizeof(ngx_http_cors_file_t));
}


void *
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


char *
ngx_http_cors_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_cors_loc_conf_t *prev = parent;
    ngx_http_cors_loc_conf_t *conf = child;

    /* without a directive, a location stays unset and decides nothing */

    ngx_conf_merge_ptr_value(conf->policy[0], prev->policy[0],
                             NGX_CONF_UNSET_PTR);
    ngx_conf_merge_ptr_value(conf->policy[1], prev->policy[1],
                             NGX_CONF_UNSET_PTR);

    return NGX_CONF_OK;
}
