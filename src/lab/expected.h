/* expected.h - what an independent implementation gave with 40 seeds and the default parameters (docs/method/salience.md#acceptance): ours, not the
 * paper's. */
#ifndef KEN_LAB_EXPECTED_H
#define KEN_LAB_EXPECTED_H
#include <stdbool.h>
#include <stdint.h>

typedef struct ken_expected {
    double alpha;
    int64_t steps;
    bool learning;
    double accuracy[3],
        accuracy_sd; /* Bottom, Whole, Top; sd of one seed, of our own 40 seeds (docs/results/lab-theory.txt) */
    double top_bottom, top_bottom_sd, top_whole, top_whole_sd; /* sd of one seed */
    double attention[3], before, before_to;                    /* before: from .. to where a range is said */
    double gap[4];                                             /* Top - Bottom, by quartile from the most popular on */
} ken_expected;

const ken_expected *ken_expected_of(double alpha, int64_t steps); /* NULL = nothing is said of this cell */
#define KEN_ATTENTION_BY 0.03
#define KEN_GAP_BY       0.05
#define KEN_GAIN_BY      0.15
#define KEN_MATCHED_BY   0.014
extern const double ken_expected_gain[11]; /* C3 */
/* Of a mean of n seeds against one of 40, both with sd for one seed. */
double ken_expected_tolerance(double sd, int n);
#endif
