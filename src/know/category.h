/* category.h - from per-prompt greedy verdicts and probabilities to a label (spec/slick.md 5, 7.4, 7.5). Pure arithmetic. */
#ifndef KEN_KNOW_CATEGORY_H
#define KEN_KNOW_CATEGORY_H
#include "base/error.h"

typedef struct ken_knowledge {
    int category, category_mode;
    int greedy_hits, sample_hits, samples;
    double p_t0, p_t, p_t_lo, p_t_hi;
    double p_unknown, p_unknown_lo, p_unknown_hi, p_flip;
    bool unsettled;
} ken_knowledge;

/* Inverse CDF of Binomial(n, p) at u in [0,1): 0 iff u < (1-p)^n. */
int ken_binomial_draw(int n, double p, double u);

/* Exact method: verdicts hit (n_prompts), intervals lo, hi (n_prompts); draws with key (seed, id, i). hits (n_prompts) out: s_i. */
void ken_categorize_exact(ken_knowledge *k, const bool *hit, const double *lo, const double *hi, int n_prompts, int samples,
                          uint64_t seed, const char *id, int *hits);
/* Sampled method: s_i counted, out of samples each. p_unknown etc. from the plug-in p_i = s_i / samples. */
void ken_categorize_sampled(ken_knowledge *k, const bool *hit, const int *hits, int n_prompts, int samples);

/* Saturation curve in closed form (7.5): shares of HK, MK, WK, Unknown with n of the n_prompts prompts and c samples each. */
int ken_saturation(const bool *hit, const double *p, int n_prompts, int n, int c, double out[4], ken_err *err);
/* P(HK again | g of n) under a fresh draw of exemplar sets, Jeffreys prior (7.4). */
double ken_prob_hk_again(int g, int n);
#endif
