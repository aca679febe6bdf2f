/*
 * Copyright (c) 2026 The libcors authors
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

/*
 * For tests: included before mod_cors.c, it lets one allocation of each request
 * fail, that of the number CORS_FAULT. The first one makes the request's
 * configuration. httpd's pools have a function that is called then.
 */

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "apr_tables.h"

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"

static int cors_allocations;

static int cors_fails(apr_pool_t *pool, const char *function, int first)
{
    const char *fault = getenv("CORS_FAULT");

    /* Not while httpd reads its configuration. */
    if (!fault || ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM) {
        return 0;
    }
    cors_allocations = first ? 1 : cors_allocations + 1;
    if (cors_allocations != atoi(fault)) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, NULL, "cors fault: %s()",
                 function);
    apr_pool_abort_get(pool)(APR_ENOMEM);
    return 1;
}

#undef apr_pcalloc
#define apr_pcalloc(pool, size)                                               \
    (cors_fails(pool, "apr_pcalloc", 1)                                       \
         ? NULL : memset(apr_palloc(pool, size), 0, size))

#define apr_table_getm(pool, table, key)                                      \
    (cors_fails(pool, "apr_table_getm", 0) ? NULL                             \
                                           : apr_table_getm(pool, table, key))

#define apr_pstrmemdup(pool, s, n)                                            \
    (cors_fails(pool, "apr_pstrmemdup", 0) ? NULL                             \
                                           : apr_pstrmemdup(pool, s, n))

#define ap_custom_response(r, status, text)                                   \
    (cors_fails((r)->pool, "ap_custom_response", 0)                           \
         ? (void)0 : ap_custom_response(r, status, text))
