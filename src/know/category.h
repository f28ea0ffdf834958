/* category.h - from per-prompt greedy verdicts and probabilities to a label (docs/method/knowledge.md#categories, #labels, #curve). Pure
 * arithmetic. */
#ifndef KEN_KNOW_CATEGORY_H
#define KEN_KNOW_CATEGORY_H
#include "base/error.h"

typedef struct ken_knowledge {
    int category, category_mode;
    int greedy_hits, sample_hits, samples;
    double p_t0, p_t, p_t_lo, p_t_hi;
    double p_unknown, p_unknown_lo, p_unknown_hi, p_flip;
    bool unsettled; /* the draw gives another category at p_lo than at p_hi (KEN_FLAG_UNSETTLED) */
} ken_knowledge;

/* Inverse CDF of Binomial(n, p) at u in [0,1), the smallest k with u < P(S <= k): 0 iff u < (1-p)^n. Grows with u and with p,
 * so that draws with the same u at the two ends of an interval enclose the one in its middle. */
int ken_binomial_draw(int n, double p, double u);

/* Exact method: verdicts hit (n_prompts), intervals lo, hi (n_prompts); draws with key (seed, id, i). hits (n_prompts) out: s_i. */
void ken_categorize_exact(ken_knowledge *k, const bool *hit, const double *lo, const double *hi, int n_prompts,
                          int samples, uint64_t seed, const char *id, int *hits);
/* Sampled method: s_i counted, out of samples each. p_unknown comes from the plug-in p_i = s_i / samples and knows no more than
 * the counts do: it is exactly 1 when nothing was hit (p_flip 0) and exactly 0 when some prompt hit every time. Not an estimate
 * to build on; the exact method has one. The intervals have no width. Both methods count hits over n_prompts * samples. */
void ken_categorize_sampled(ken_knowledge *k, const bool *hit, const int *hits, int n_prompts, int samples);

/* Saturation curve in closed form (docs/method/knowledge.md#curve): shares of HK, MK, WK, Unknown with n of the n_prompts prompts (at most 256) and c
 * samples each, averaged over all subsets. KEN_EUSAGE when n is out of range. */
int ken_saturation(const bool *hit, const double *p, int n_prompts, int n, int c, double out[4], ken_err *err);
/* P(HK again | g of n) under a fresh draw of exemplar sets, Jeffreys prior (docs/method/knowledge.md#hk-again). */
double ken_prob_hk_again(int g, int n);
#endif
