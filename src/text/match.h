/* match.h - what accept.c and match.c share: the level on which a gold is compared. Callers outside use accept.h. */
#ifndef KEN_TEXT_MATCH_H
#define KEN_TEXT_MATCH_H
#include "text/accept.h"

/* spec/slick.md 6: a gold whose N is empty is compared with its articles ("The The"), and if that is empty too, as it stands
 * ("!!!"). */
typedef enum ken_level { KEN_LEVEL_WORDS, KEN_LEVEL_ARTICLES, KEN_LEVEL_RAW } ken_level;

/* The gold's level, and what is compared there: N-words joined by spaces, or the trimmed gold. Caller frees *words with
 * ken_free; NULL on failure. KEN_EINPUT when the gold is empty or no UTF-8. */
int ken_gold_level(const char *gold, size_t n, char **words, ken_level *level, ken_err *err);

/* Word F1 (as_f1), or 1 and 0 for containment, of the answer y and one gold as ken_gold_level gives it. Negative when out of
 * memory. */
double ken_compare_words(const char *y, size_t n, const char *gold, ken_level level, bool as_f1);
#endif
