
/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */


/*
 * For tests, which send one request on a connection: included before the
 * module's own code, it lets one allocation of each request fail, that of the
 * number CORS_FAULT.
 */


#ifndef _NGX_HTTP_CORS_FAULTS_H_INCLUDED_
#define _NGX_HTTP_CORS_FAULTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* one for all files of the module */

__attribute__((weak)) ngx_int_t          ngx_http_cors_allocations;
__attribute__((weak)) ngx_atomic_uint_t  ngx_http_cors_connection;


static ngx_inline ngx_uint_t
ngx_http_cors_fails(const char *function)
{
    char  *fault;

    fault = getenv("CORS_FAULT");

    /* the master reads the configuration */

    if (fault == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return 0;
    }

    if (ngx_http_cors_connection != *ngx_connection_counter) {
        ngx_http_cors_connection = *ngx_connection_counter;
        ngx_http_cors_allocations = 0;
    }

    if (++ngx_http_cors_allocations != atoi(fault)) {
        return 0;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "cors fault: %s()", function);
    return 1;
}


#define ngx_pool_cleanup_add(pool, size)                                      \
    (ngx_http_cors_fails("ngx_pool_cleanup_add")                           \
     ? NULL : ngx_pool_cleanup_add(pool, size))

#define ngx_palloc(pool, size)                                                \
    (ngx_http_cors_fails("ngx_palloc") ? NULL : ngx_palloc(pool, size))

#define ngx_pnalloc(pool, size)                                               \
    (ngx_http_cors_fails("ngx_pnalloc") ? NULL : ngx_pnalloc(pool, size))

#define ngx_pstrdup(pool, str)                                                \
    (ngx_http_cors_fails("ngx_pstrdup") ? NULL : ngx_pstrdup(pool, str))

#define ngx_array_push_n(array, n)                                            \
    (ngx_http_cors_fails("ngx_array_push_n")                                  \
     ? NULL : ngx_array_push_n(array, n))

#define ngx_list_push(list)                                                   \
    (ngx_http_cors_fails("ngx_list_push") ? NULL : ngx_list_push(list))

#define ngx_http_send_response(r, status, type, body)                         \
    (ngx_http_cors_fails("ngx_http_send_response")                            \
     ? NGX_HTTP_INTERNAL_SERVER_ERROR                                         \
     : ngx_http_send_response(r, status, type, body))


#endif /* _NGX_HTTP_CORS_FAULTS_H_INCLUDED_ */
