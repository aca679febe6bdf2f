
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#include "ngx_http_cors_module.h"


/* only request headers always have a lowcase_key */

#define ngx_http_cors_is(h, name)                                             \
    ((h)->hash && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)

#define ngx_http_cors_space(c)  ((c) == ' ' || (c) == '\t')


/* [i] is there if the bit is set */

typedef struct {
    ngx_array_t    array[6];
    ngx_uint_t     set;
} ngx_http_cors_joined_t;


static ngx_int_t ngx_http_cors_join(ngx_http_request_t *r,
    ngx_http_cors_joined_t *joined, ngx_uint_t i, cors_str *value,
    ngx_str_t *line)
    __attribute__((noinline));
static cors_str *ngx_http_cors_member(cors_request *request,
    ngx_table_elt_t *h);


ngx_int_t
ngx_http_cors_read_request(ngx_http_request_t *r, cors_request *request)
{
    cors_str                *value;
    ngx_str_t                line;
    ngx_uint_t               i, copied;
    ngx_list_part_t         *part;
    ngx_table_elt_t         *h;
    ngx_http_cors_joined_t   joined;

    joined.set = 0;

    request->method.ptr = (char *) r->method_name.data;
    request->method.len = r->method_name.len;

    /* an upgraded connection reuses the buffer before it is logged */

    copied = r->headers_in.upgrade || r->method == NGX_HTTP_CONNECT;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++, h++) {

            value = ngx_http_cors_member(request, h);
            if (value == NULL) {
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

            if (copied) {
                line.data = ngx_pstrdup(r->pool, &line);
                if (line.data == NULL) {
                    return NGX_ERROR;
                }
            }

            if (value->ptr == NULL) {
                value->ptr = (char *) line.data;
                value->len = line.len;

            } else if (ngx_http_cors_join(r, &joined, value - &request->origin,
                                          value, &line)
                       != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    /* HTTP/3 has :authority only */

    if (request->host.ptr == NULL && r->host_start != NULL) {
        request->host.ptr = (char *) r->host_start;
        request->host.len = r->host_end - r->host_start;
    }

#if (NGX_SSL || NGX_COMPAT)

    /* without TLS here, it may end at a proxy */

    if (r->connection->ssl) {
        request->scheme.ptr = "https";
        request->scheme.len = sizeof("https") - 1;
    }

#endif

    return NGX_OK;
}


/* few requests repeat a field */

static ngx_int_t
ngx_http_cors_join(ngx_http_request_t *r, ngx_http_cors_joined_t *joined,
    ngx_uint_t i, cors_str *value, ngx_str_t *line)
{
    u_char       *p;
    ngx_array_t  *array;

    array = &joined->array[i];

    /* starts at the first field's value, and moves when it grows */

    if (!(joined->set & (1 << i))) {
        array->elts = (void *) value->ptr;
        array->nelts = value->len;
        array->size = 1;
        array->nalloc = value->len;
        array->pool = r->pool;

        joined->set |= 1 << i;
    }

    p = ngx_array_push_n(array, line->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p = ',';
    ngx_memcpy(p + 1, line->data, line->len);

    value->ptr = array->elts;
    value->len = array->nelts;

    return NGX_OK;
}


static cors_str *
ngx_http_cors_member(cors_request *request, ngx_table_elt_t *h)
{
    switch (h->key.len) {

    case sizeof("host") - 1:
        return ngx_http_cors_is(h, "host") ? &request->host : NULL;

    case sizeof("origin") - 1:
        return ngx_http_cors_is(h, "origin") ? &request->origin : NULL;

    case sizeof("upgrade") - 1:
        return ngx_http_cors_is(h, "upgrade") ? &request->upgrade : NULL;

    case sizeof("sec-fetch-site") - 1:
        return ngx_http_cors_is(h, "sec-fetch-site") ? &request->fetch_site
                                                     : NULL;

    case sizeof("access-control-request-method") - 1:
        return ngx_http_cors_is(h, "access-control-request-method")
               ? &request->request_method : NULL;

    case sizeof("access-control-request-headers") - 1:
        return ngx_http_cors_is(h, "access-control-request-headers")
               ? &request->request_headers : NULL;

    default:
        return NULL;
    }
}
