/* golds.c - see golds.h. */
#include "know/golds.h"
#include "know/certainty.h"
#include "base/alloc.h"
#include "base/canon.h"
#include <string.h>

/* The usual ways of declining to answer. Compared after normalisation, so that case, articles and punctuation do not matter. */
static const char *const usual[] = {"i dont know",    "i do not know",   "unknown",       "not known",
                                    "dont know",      "im not sure",     "i am not sure", "no idea",
                                    "i have no idea", "i cannot answer", "i cant answer", "not sure"};
enum { N_USUAL = sizeof usual / sizeof *usual, MOST_PHRASES = 1 << 16 };

/* ---- rules ---------------------------------------------------------------------------------------------------------- */

static int compile_phrases(ken_gold_rules *r, const char *const *idk, int n_idk, ken_err *err)
{
    if (n_idk > MOST_PHRASES) return ken_fail(err, KEN_EUSAGE, "`idk`: at most %d phrases are possible", MOST_PHRASES);
    for (int i = 0; i < n_idk; i++)
        if (idk[i][0] == '\0') return ken_fail(err, KEN_EUSAGE, "`idk`: the phrase is empty");
    const char **all = ken_alloc((size_t)N_USUAL + (size_t)n_idk, sizeof *all);
    ken_buf b = {0};
    if (all == NULL) return ken_fail_nomem(err, "phrases");
    memcpy(all, usual, sizeof usual);
    if (n_idk > 0) memcpy(all + N_USUAL, idk, (size_t)n_idk * sizeof *all);
    int rc = ken_accept_new(&r->idk, &ken_em_squad, all, N_USUAL + n_idk, err);
    if (rc == KEN_EINPUT) ken_fail_prefix(err, "`idk`");
    ken_canon_list(&b, all, N_USUAL + n_idk);
    if (rc == KEN_OK && ken_canon_hash(&b, r->idk_hash) != 0) rc = ken_fail_nomem(err, "phrases");
    ken_buf_free(&b);
    ken_free(all);
    return rc;
}

int ken_gold_rules_new(ken_gold_rules *r, const char *matcher, const char *stop, const char *const *idk, int n_idk,
                       ken_err *err)
{
    *r = (ken_gold_rules){.stop = stop, .n_stop = strlen(stop)};
    if (r->n_stop == 0) return ken_fail(err, KEN_EUSAGE, "the stop string is empty");
    int rc = ken_matcher_parse(&r->matcher, matcher != NULL ? matcher : ken_em_squad.name, err);
    return rc == KEN_OK ? compile_phrases(r, idk, n_idk, err) : rc;
}

void ken_gold_rules_free(ken_gold_rules *r)
{
    ken_accept_free(r->idk);
    r->idk = NULL;
}

int ken_gold_rules_need_aliases(const ken_gold_rules *r, int n, bool given, ken_err *err)
{
    bool used = !given;
    for (int i = 0; i < n; i++) used |= r[i].matcher.kind->uses_aliases;
    return used ? KEN_OK
                : ken_fail(
                      err, KEN_EUSAGE,
                      "`aliases`: only em-alias asks for other names, and the matcher is %s; add `matcher` em-alias",
                      r[0].matcher.name);
}

void ken_gold_rules_settings(const ken_gold_rules *r, const char *aliases_hash, ken_setting_list *l)
{
    ken_setting_text(l, "matcher", true, r->matcher.name);
    ken_setting_text(l, "aliases_hash", true, aliases_hash);
    ken_setting_text(l, "idk_hash", true, r->idk_hash);
}

bool ken_abstains(const ken_gold_rules *r, const char *y, size_t n) { return ken_accept_matches(r->idk, y, n); }

/* ---- a row's golds -------------------------------------------------------------------------------------------------- */

int ken_golds_new(ken_golds *g, const ken_gold_rules *r, const char *const *answers, int n_answers,
                  const char *const *aliases, int n_aliases, ken_err *err)
{
    *g = (ken_golds){.rules = r};
    const char **all = NULL;
    if (!r->matcher.kind->uses_aliases) n_aliases = 0;
    if (n_aliases > 0) {
        all = ken_alloc((size_t)n_answers + (size_t)n_aliases, sizeof *all);
        if (all == NULL) return ken_fail_nomem(err, "aliases");
        memcpy(all, answers, (size_t)n_answers * sizeof *all);
        memcpy(all + n_answers, aliases, (size_t)n_aliases * sizeof *all);
    }
    int rc = ken_accept_new(&g->accept, &r->matcher, all != NULL ? all : answers, n_answers + n_aliases, err);
    if (rc == KEN_OK) rc = ken_accept_new(&g->raw, &ken_em_raw, answers, n_answers, err);
    ken_free(all);
    return rc;
}

void ken_golds_free(ken_golds *g)
{
    ken_accept_free(g->accept);
    ken_accept_free(g->raw);
    *g = (ken_golds){0};
}

ken_verdict ken_golds_judge(const ken_golds *g, const char *y, size_t n)
{
    if (g->rules->certainty) (void)ken_certainty_of(y, n, &n);
    return (ken_verdict){.hit = ken_accept_matches(g->accept, y, n),
                         .raw = ken_accept_matches(g->raw, y, n),
                         .abstained = ken_abstains(g->rules, y, n)};
}

bool ken_golds_viable(const ken_golds *g, const char *x, size_t n, bool or_abstain)
{
    const ken_gold_rules *r = g->rules;
    for (size_t part = 0; part < r->n_stop && part <= n; part++) { /* bytes at the end that may be of the stop string */
        if (part > 0 && memcmp(x + n - part, r->stop, part) != 0) continue;
        if (ken_accept_viable(g->accept, x, n - part)) return true;
        if (or_abstain && ken_accept_viable(r->idk, x, n - part)) return true;
    }
    return false;
}

static bool each_holds(const char *stop, const char *const *text, int n)
{
    for (int i = 0; i < n; i++)
        if (strstr(text[i], stop) == NULL) return false;
    return true;
}

bool ken_golds_hold_stop(const ken_gold_rules *r, const char *const *answers, int n_answers, const char *const *aliases,
                         int n_aliases)
{
    if (r->matcher.kind->by_words && strcmp(r->stop, "\n") == 0) return false;
    if (!r->matcher.kind->uses_aliases) n_aliases = 0;
    return n_answers > 0 && each_holds(r->stop, answers, n_answers) && each_holds(r->stop, aliases, n_aliases);
}
