/* error.h - how every function of the library reports failure: a status and one sentence.
 *
 *     if (bad) return ken_fail(err, KEN_EINPUT, "%s:%d: field \"answer\" is missing; name it with `answer_field`", file, line);
 *
 * The sentence says what, where, expected against found, and what to do. `err` may be NULL. No exit, no printing here. */
#ifndef KEN_BASE_ERROR_H
#define KEN_BASE_ERROR_H
#include "ken.h"

/* Fills err (printf style) and gives status, so that a failing function can end with it. A macro, so that a static analyser sees
 * which status it is; status is evaluated twice: a constant or a variable. */
#define ken_fail(err, status, ...) (ken_fail_set((err), (status), __VA_ARGS__), ken_fail_status(status))
static inline int ken_fail_status(int status) { return status; }
void ken_fail_set(ken_err *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* KEN_ENOMEM, "out of memory (what)" and what to do about it. */
static inline int ken_fail_nomem(ken_err *err, const char *what)
{
    return ken_fail(err, KEN_ENOMEM, "out of memory (%s); free some, or use fewer threads or a smaller model", what);
}
/* KEN_EFAIL with strerror(errno) appended: "what PATH: No space left on device". */
int ken_fail_errno(ken_err *err, const char *what, const char *path);
/* Puts "prefix: " before the message that err already holds (where it happened); returns err's status. */
int ken_fail_prefix(ken_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
