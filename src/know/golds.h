/* golds.h - what is accepted as an answer, and what declines to answer: decided here and nowhere else.
 *
 * Rules hold for a whole run: the matcher, the stop string, the phrases that decline. Golds are a row's: its answers and their other names under
 * those rules, and beside them the verdict under em-raw, which every run keeps. Annotation, explanation, evaluation, the fit and the
 * monitoring of a training, and scoring a run again all ask the same golds.
 *
 *     ken_gold_rules_new(&rules, "em-alias", "\n", NULL, 0, &err);
 *     ken_golds_new(&g, &rules, x->answers, x->n_answers, x->aliases, x->n_aliases, &err);
 *     ken_verdict v = ken_golds_judge(&g, text, n);
 *     ken_golds_free(&g);  ken_gold_rules_free(&rules); */
#ifndef KEN_KNOW_GOLDS_H
#define KEN_KNOW_GOLDS_H
#include "data/data.h"
#include "store/setting_list.h"
#include "text/accept.h"

typedef struct ken_gold_rules {
    ken_matcher matcher;
    const char *stop; /* borrowed; what ends an answer */
    size_t n_stop;
    ken_accept *idk; /* the phrases that decline, compared as em-squad compares */
    char idk_hash[65];
    bool certainty; /* answers may say at their end how sure they are (certainty.h): the rest is judged */
} ken_gold_rules;

/* matcher NULL = "em-squad"; idk (n_idk): phrases besides the usual ones. stop is borrowed, at least one byte. KEN_EUSAGE for an unknown matcher
 * or an empty phrase. Free with ken_gold_rules_free, also after a failure. */
int ken_gold_rules_new(ken_gold_rules *r, const char *matcher, const char *stop, const char *const *idk, int n_idk,
                       ken_err *err);
void ken_gold_rules_free(ken_gold_rules *r);
/* KEN_EUSAGE when a table of other names is given (aliases) that none of the rules (n) would use. */
int ken_gold_rules_need_aliases(const ken_gold_rules *r, int n, bool given, ken_err *err);
/* Everything that decides a verdict, binding. aliases_hash: of the table, "" without one. */
void ken_gold_rules_settings(const ken_gold_rules *r, const char *aliases_hash, ken_setting_list *l);
bool ken_abstains(const ken_gold_rules *r, const char *y, size_t n); /* does y decline to answer? */

typedef struct ken_golds {
    const ken_gold_rules *rules;
    ken_accept *accept, *raw; /* under the rules' matcher, under em-raw */
} ken_golds;

typedef struct ken_verdict {
    bool hit, raw, abstained;
} ken_verdict;

/* aliases count where the matcher uses them. Texts are copied. KEN_EINPUT for an empty answer, or none. Free with ken_golds_free, also after
 * a failure. */
int ken_golds_new(ken_golds *g, const ken_gold_rules *r, const char *const *answers, int n_answers,
                  const char *const *aliases, int n_aliases, ken_err *err);
void ken_golds_free(ken_golds *g);
ken_verdict ken_golds_judge(const ken_golds *g, const char *y, size_t n); /* of a finished answer */
/* Can x become an accepted answer, also when its end turns out to be the beginning of the stop string? or_abstain: or decline? */
bool ken_golds_viable(const ken_golds *g, const char *x, size_t n, bool or_abstain);
/* No answer can be accepted: each holds the stop string, and so does each other name where they count. Matchers that compare words take a
 * newline for a space. */
bool ken_golds_hold_stop(const ken_gold_rules *r, const char *const *answers, int n_answers, const char *const *aliases,
                         int n_aliases);
#endif
