/* canon.h - the canonical spelling of what identifies something: a row, a data set, a run, a set that is trained on.
 *
 *     ken_buf b = {0};
 *     ken_canon_text(&b, question);  ken_canon_list(&b, answers, n);
 *     if (ken_canon_hash(&b, hex) != 0) return ken_fail_nomem(err, "rows");
 *
 * A length comes before each text and each list, so that no two things are spelled alike whatever bytes they hold. Whatever decides
 * what is the same - computed once for rows that repeat, kept in a resumed run, joined when runs are compared - decides it by such a spelling. */
#ifndef KEN_BASE_CANON_H
#define KEN_BASE_CANON_H
#include "base/buf.h"
#include <stdint.h>

void ken_canon_number(ken_buf *b, uint64_t v); /* eight bytes, the lowest first */
void ken_canon_real(ken_buf *b, double x);     /* its bits; every NaN is the same */
void ken_canon_bytes(ken_buf *b, const char *s, size_t n);
void ken_canon_text(ken_buf *b, const char *s); /* NULL and "" differ */
void ken_canon_list(ken_buf *b, const char *const *s, int n);
/* SHA-256 of the bytes so far, 64 hex digits; the buffer stays. -1 when out of memory, now or while appending. */
int ken_canon_hash(const ken_buf *b, char hex[65]);
#endif
