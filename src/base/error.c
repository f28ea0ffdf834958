/* error.c - statuses and messages; see error.h. */
#include "base/error.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ken_fail_set(ken_err *err, int status, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        err->status = status;
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
}

int ken_fail_errno(ken_err *err, const char *what, const char *path)
{
    int e = errno;
    const int status = e == ENOMEM ? KEN_ENOMEM : KEN_EFAIL;
    return ken_fail(err, status, "%s %s: %s", what, path, strerror(e));
}

int ken_fail_prefix(ken_err *err, const char *fmt, ...)
{
    if (err == NULL) return KEN_EFAIL;
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    /* What does not fit is cut at the end: where it happened matters more than the tail of the sentence. */
    size_t at = n < 0 ? 0 : (size_t)n, len = strnlen(old, sizeof old);
    if (at + 3 < sizeof err->msg) {
        if (len > sizeof err->msg - at - 3) len = sizeof err->msg - at - 3;
        memcpy(err->msg + at, ": ", 2);
        memcpy(err->msg + at + 2, old, len);
        err->msg[at + 2 + len] = '\0';
    }
    return err->status;
}

int ken_exit_status(int status)
{
    switch (status) {
    case KEN_OK: return 0;
    case KEN_EUSAGE: return 2;
    case KEN_EINPUT: return 3;
    case KEN_ETHRESHOLD: return 4;
    case KEN_ESTOP: return 130;
    default: return 1;
    }
}
