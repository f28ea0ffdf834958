/* error.h - how every function of the library reports failure: a status and one sentence.
 *
 *     if (bad) return ken_fail(err, KEN_EINPUT, "%s:%d: field \"answer\" is missing; name it with --answer-field", file, line);
 *
 * The sentence says what, where, expected against found, and what to do. `err` may be NULL. No exit, no printing here. */
#ifndef KEN_BASE_ERROR_H
#define KEN_BASE_ERROR_H
#include "ken.h"

/* Fills err (printf style) and returns status, so that a failing function can end with it. */
int ken_fail(ken_err *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int ken_fail_nomem(ken_err *err, const char *what); /* KEN_ENOMEM, "out of memory (what)" */
/* KEN_EFAIL with strerror(errno) appended: "what PATH: No space left on device". */
int ken_fail_errno(ken_err *err, const char *what, const char *path);
/* Puts "prefix: " before the message that err already holds (where it happened); returns err's status. */
int ken_fail_prefix(ken_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
