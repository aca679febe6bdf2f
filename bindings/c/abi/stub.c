// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A library with the functions and types of cors.h and nothing in them: its
// debugging information is the ABI, in the form that abidiff compares.

// Before this file, by -include: cors.h, or one that a test has changed.

// Members hold these three as int32_t, so no function leads to them.
cors_verdict   verdicts;
cors_reason    reasons;
cors_severity  severities;

cors_status
cors_policy_load(const char *json, size_t json_len, cors_diagnostic_fn report,
                 void *context, cors_policy **policy)
{
    (void) json, (void) json_len, (void) report, (void) context, (void) policy;
    return CORS_OK;
}

cors_status
cors_policy_load_file(const char *path, cors_diagnostic_fn report,
                      void *context, cors_policy **policy)
{
    (void) path, (void) report, (void) context, (void) policy;
    return CORS_OK;
}

cors_policy *
cors_policy_retain(cors_policy *policy)
{
    return policy;
}

void
cors_policy_free(cors_policy *policy)
{
    (void) policy;
}

cors_status
cors_evaluate(const cors_policy *policy, const cors_request *request,
              cors_decision *decision)
{
    (void) policy, (void) request, (void) decision;
    return CORS_OK;
}

size_t
cors_explain(const cors_policy *policy, const cors_request *request,
             char *buffer, size_t capacity)
{
    (void) policy, (void) request, (void) buffer, (void) capacity;
    return 0;
}

size_t
cors_vary_missing(cors_str existing, cors_str wanted, char *buffer,
                  size_t capacity)
{
    (void) existing, (void) wanted, (void) buffer, (void) capacity;
    return 0;
}

const char *
cors_version(void)
{
    return CORS_VERSION;
}

const char *
cors_public_suffix_list_date(void)
{
    return "";
}

const char *
cors_status_text(int status)
{
    return (void) status, "";
}

const char *
cors_verdict_text(int verdict)
{
    return (void) verdict, "";
}

const char *
cors_reason_text(int reason)
{
    return (void) reason, "";
}
