
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


#include "ngx_http_cors_module.h"


/* only request headers always have a lowcase_key */

#define ngx_http_cors_is(h, name)                                             \
    ((h)->hash && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)

#define ngx_http_cors_space(c)  ((c) == ' ' || (c) == '\t')


static cors_str *ngx_http_cors_member(cors_request *request,
    ngx_table_elt_t *h);


ngx_int_t
ngx_http_cors_read_request(ngx_http_request_t *r, cors_request *request)
{
    u_char           *p;
    cors_str         *value;
    ngx_str_t         line;
    ngx_uint_t        i;
    ngx_array_t       lines[6], *joined;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    request->method.ptr = (char *) r->method_name.data;
    request->method.len = r->method_name.len;

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

            /* an upgraded connection reuses the buffer before it is logged */

            if (r->headers_in.upgrade || r->method == NGX_HTTP_CONNECT) {
                line.data = ngx_pstrdup(r->pool, &line);
                if (line.data == NULL) {
                    return NGX_ERROR;
                }
            }

            joined = &lines[value - &request->origin];

            /* starts at the first field's value, and moves when it grows */

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
