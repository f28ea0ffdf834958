/* category.c - labels from verdicts and probabilities (docs/method/knowledge.md#categories, #labels, #curve); see category.h.
 *
 * No models, texts or files here: numbers in, numbers out. What is hard: probabilities here lie within 1e-12 of 0
 * and of 1 as a matter of course, so nothing is computed as 1 - p where log1p(-p) can be had, and the binomial draw must order
 * the draws of an interval's two ends although both are rounded. */
#include "know/category.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

static double clamp01(double p) { return p > 0.0 ? (p < 1.0 ? p : 1.0) : 0.0; } /* NaN gives 0 */

/* ---- the seeded draw ------------------------------------------------------------------------------------------------- */

/* Smallest k with u < P(S <= k), for p <= 1/2, terms in logarithms: for an n so large that (1-p)^n leaves the range of a
 * double (a long double is no more than that on some machines, and under valgrind), from about 960 samples a prompt on. */
static int draw_by_logs(int n, long double p, long double u)
{
    long double odds = logl(p) - log1pl(-p), term = (long double)n * log1pl(-p), cdf = expl(term);
    int k = 0;
    while (u >= cdf && k < n) {
        term += logl((long double)(n - k) / (long double)(k + 1)) + odds;
        cdf += expl(term);
        k++;
    }
    return k;
}

int ken_binomial_draw(int n, double p_in, double u_in)
{
    long double p = clamp01(p_in), u = u_in;
    if (n <= 0 || p <= 0.0L) return 0;
    if (p >= 1.0L) return n;
    /* Sums start at the end that holds the mass, so that no small probability is ever the difference of two large ones: from
     * k = 0 upwards with P(S <= k) when p <= 1/2, else from k = n downwards with P(S > k). There 1 - p is exact, and so is
     * 1 - u for the 53-bit numbers that ken_uniform draws. Whether s is 0 decides a label, so that is always asked first. */
    if (u < expl((long double)n * log1pl(-p))) return 0;
    if (p <= 0.5L) {
        long double term = expl((long double)n * log1pl(-p)), cdf = term, odds = p / (1.0L - p);
        if (term < 1e-290L) return draw_by_logs(n, p, u);
        int k = 0;
        while (u >= cdf && k < n) {
            term *= (long double)(n - k) / (long double)(k + 1) * odds;
            cdf += term;
            k++;
        }
        return k;
    }
    long double q = 1.0L - p, term = expl((long double)n * log1pl(-q)), above = term, odds = q / p;
    if (term < 1e-290L) return n - draw_by_logs(n, q, 1.0L - u);
    int k = n;
    while (k > 1 && above < 1.0L - u) { /* above = P(S >= k); k - 1 is enough while it stays below 1 - u */
        term *= (long double)k / (long double)(n - k + 1) * odds;
        above += term;
        k--;
    }
    return k;
}

/* ---- labels ---------------------------------------------------------------------------------------------------------- */

static int category_of(int greedy_hits, int n_prompts, bool sampled_hit) /* docs/method/knowledge.md#categories */
{
    if (n_prompts > 0 && greedy_hits == n_prompts) return KEN_HIGHLY_KNOWN;
    if (greedy_hits > 0) return KEN_MAYBE_KNOWN;
    return sampled_hit ? KEN_WEAKLY_KNOWN : KEN_UNKNOWN;
}

/* What follows from the label, g and P_U alone, for both methods. */
static void finish(ken_knowledge *k, int n_prompts)
{
    k->p_t0 = n_prompts > 0 ? (double)k->greedy_hits / (double)n_prompts : 0.0;
    k->category = category_of(k->greedy_hits, n_prompts, k->sample_hits > 0);
    k->category_mode = category_of(k->greedy_hits, n_prompts, k->p_unknown < 0.5);
    k->p_flip = k->greedy_hits > 0 ? 0.0 : k->category == KEN_UNKNOWN ? 1.0 - k->p_unknown : k->p_unknown;
}

/* exp(samples * log_miss), which must be 1 - not NaN - for no samples at a prompt that cannot miss. */
static double all_miss(double log_miss, int samples) { return samples > 0 ? exp((double)samples * log_miss) : 1.0; }

void ken_categorize_exact(ken_knowledge *k, const bool *hit, const double *lo, const double *hi, int n_prompts,
                          int samples, uint64_t seed, const char *id, int *hits)
{
    *k = (ken_knowledge){.samples = n_prompts * samples};
    size_t id_len = strlen(id);
    double miss = 0.0, miss_lo = 0.0, miss_hi = 0.0; /* sums of log(1 - p), of the middle and of the ends */
    bool any_lo = false, any_hi = false;
    for (int i = 0; i < n_prompts; i++) {
        double a = clamp01(lo[i]), b = clamp01(hi[i]), p = a + 0.5 * (b - a);
        double u = ken_uniform(seed, id, id_len, (uint32_t)i, 0, 0);
        k->greedy_hits += hit[i] ? 1 : 0;
        hits[i] = ken_binomial_draw(samples, p, u);
        k->sample_hits += hits[i];
        any_lo |= ken_binomial_draw(samples, a, u) > 0;
        any_hi |= ken_binomial_draw(samples, b, u) > 0;
        miss += log1p(-p);
        miss_lo += log1p(-a);
        miss_hi += log1p(-b);
        k->p_t += p;
        k->p_t_lo += a;
        k->p_t_hi += b;
    }
    if (n_prompts > 0) {
        k->p_t_lo /= (double)n_prompts;
        k->p_t_hi /= (double)n_prompts;
        k->p_t = 0.5 * (k->p_t_lo + k->p_t_hi); /* the middle of the two that are printed: docs/json.md#rows */
    }
    k->p_unknown = all_miss(miss, samples);
    k->p_unknown_lo = all_miss(miss_hi, samples); /* the larger p misses less */
    k->p_unknown_hi = all_miss(miss_lo, samples);
    k->unsettled = k->greedy_hits == 0 && any_lo != any_hi;
    finish(k, n_prompts);
}

void ken_categorize_sampled(ken_knowledge *k, const bool *hit, const int *hits, int n_prompts, int samples)
{
    *k = (ken_knowledge){.samples = n_prompts * samples};
    double miss = 0.0;
    for (int i = 0; i < n_prompts; i++) {
        k->greedy_hits += hit[i] ? 1 : 0;
        k->sample_hits += hits[i];
        miss += samples > 0 ? log1p(-clamp01((double)hits[i] / (double)samples)) : 0.0;
    }
    if (k->samples > 0) k->p_t = (double)k->sample_hits / (double)k->samples;
    k->p_t_lo = k->p_t_hi = k->p_t;
    k->p_unknown = k->p_unknown_lo = k->p_unknown_hi = all_miss(miss, samples);
    finish(k, n_prompts);
}

/* ---- what other budgets and other exemplars would have given --------------------------------------------------------- */

enum { MAX_PROMPTS = 256 };

/* C(top, n) / C(all, n) for top <= all, as a product, so that nothing large is formed. */
static double choose_ratio(int top, int all, int n)
{
    double r = 1.0;
    for (int j = 0; j < n; j++) r *= top > j ? (double)(top - j) / (double)(all - j) : 0.0;
    return r;
}

int ken_saturation(const bool *hit, const double *p, int n_prompts, int n, int c, double out[4], ken_err *err)
{
    if (n_prompts < 1 || n_prompts > MAX_PROMPTS || n < 1 || n > n_prompts || c < 0)
        return ken_fail(err, KEN_EUSAGE,
                        "saturation: %d of %d prompts with %d samples each; expected 1 <= n <= prompts <= %d and no "
                        "negative samples",
                        n, n_prompts, c, MAX_PROMPTS);
    /* mean[j] = e_j(w_1..w_i) / C(i, j) after i weights: the average of the products over all subsets of size j. Kept as an
     * average, it stays in [0,1] for any number of prompts, where e_j itself would not. */
    double mean[MAX_PROMPTS + 1] = {1.0};
    int g = 0;
    for (int i = 0; i < n_prompts; i++) {
        double w = hit[i] ? 0.0 : all_miss(log1p(-clamp01(p[i])), c);
        g += hit[i] ? 1 : 0;
        for (int j = i + 1 < n ? i + 1 : n; j >= 1;
             j--) { /* C(i,j)/C(i+1,j) = (i+1-j)/(i+1), C(i,j-1)/C(i+1,j) = j/(i+1) */
            double without = (double)(i + 1 - j) / (double)(i + 1), with = (double)j / (double)(i + 1);
            mean[j] = (j <= i ? without * mean[j] : 0.0) + with * w * mean[j - 1];
        }
    }
    double none = choose_ratio(n_prompts - g, n_prompts, n);
    out[KEN_HIGHLY_KNOWN] = choose_ratio(g, n_prompts, n);
    out[KEN_UNKNOWN] = fmin(mean[n], none); /* equal up to rounding when every w is 1 */
    out[KEN_WEAKLY_KNOWN] = none - out[KEN_UNKNOWN];
    out[KEN_MAYBE_KNOWN] = fmax(0.0, 1.0 - out[KEN_HIGHLY_KNOWN] - none);
    return KEN_OK;
}

double ken_prob_hk_again(int g, int n)
{
    /* B(g+n+1/2, n-g+1/2) / B(g+1/2, n-g+1/2) with the Gamma functions cancelled. */
    double r = 1.0;
    for (int j = 0; j < n; j++) r *= ((double)(g + j) + 0.5) / (double)(n + 1 + j);
    return r;
}
