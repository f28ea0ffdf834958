/* match.h - what the files that hold matchers share: all kinds by name, and the level on which a gold is compared. Callers
 * outside use accept.h. */
#ifndef KEN_TEXT_MATCH_H
#define KEN_TEXT_MATCH_H
#include "text/accept.h"

extern const ken_matcher_kind ken_em_raw_kind, ken_em_squad_kind, ken_em_alias_kind; /* em.c */
extern const ken_matcher_kind ken_contains_kind, ken_f1_kind;                        /* match.c */

struct ken_accept { /* what each kind's own begins with */
    ken_matcher matcher;
};

/* docs/method/knowledge.md#gold-level: a gold whose N is empty is compared with its articles ("The The"), and if that is empty too, as it stands
 * ("!!!"). */
typedef enum ken_level { KEN_LEVEL_WORDS, KEN_LEVEL_ARTICLES, KEN_LEVEL_RAW } ken_level;

/* The gold's level, and what is compared there: N-words joined by spaces, or the trimmed gold. Caller frees *words with
 * ken_free; NULL on failure. KEN_EINPUT when the gold is empty or no UTF-8. */
int ken_gold_level(const char *gold, size_t n, char **words, ken_level *level, ken_err *err);
#endif
