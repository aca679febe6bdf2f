
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#ifndef _NGX_HTTP_CORS_MODULE_H_INCLUDED_
#define _NGX_HTTP_CORS_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <cors.h>


/* hidden from other modules, which may use the same names */

#define NGX_HTTP_CORS_HIDDEN  __attribute__((visibility("hidden")))


/* in the order of ngx_http_cors_vars */

#define NGX_HTTP_CORS_VERDICT  0
#define NGX_HTTP_CORS_REASON   1
#define NGX_HTTP_CORS_CULPRIT  2
#define NGX_HTTP_CORS_PATTERN  3
#define NGX_HTTP_CORS_REPORT   4


typedef struct {
    ngx_str_t       name;
    cors_policy    *policy;
} ngx_http_cors_file_t;


/* [1] is only reported; NULL is "off", which is not the same as unset */

typedef struct {
    cors_policy    *policy[2];
} ngx_http_cors_loc_conf_t;


NGX_HTTP_CORS_HIDDEN ngx_int_t ngx_http_cors_read_request(
    ngx_http_request_t *r, cors_request *request);
NGX_HTTP_CORS_HIDDEN ngx_int_t ngx_http_cors_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
NGX_HTTP_CORS_HIDDEN ngx_int_t ngx_http_cors_add_variables(ngx_conf_t *cf);
NGX_HTTP_CORS_HIDDEN char *ngx_http_cors_policy(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
NGX_HTTP_CORS_HIDDEN void *ngx_http_cors_create_main_conf(ngx_conf_t *cf);
NGX_HTTP_CORS_HIDDEN void *ngx_http_cors_create_loc_conf(ngx_conf_t *cf);
NGX_HTTP_CORS_HIDDEN char *ngx_http_cors_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


extern ngx_module_t  ngx_http_cors_module;


#endif /* _NGX_HTTP_CORS_MODULE_H_INCLUDED_ */
