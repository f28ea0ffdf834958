/* scored_run.h - runs made by hand for the tests of ken_score: facts whose greedy answers, intervals and drawn texts are known, written
 * through the real store with the numbers that an annotation would have computed from them. */
#ifndef KEN_TESTS_SCORED_RUN_H
#define KEN_TESTS_SCORED_RUN_H
#include "../store/rows.h"
#include "know/category.h"
#include "study/rescore.h"

enum { PROMPTS = 4, SAMPLES = 8 };

typedef struct made_prompt {
    bool hit, raw;
    const char *text;
    double text_p, lo, hi, raw_lo, raw_hi;
    const char *other[3];
    double other_p[3];
    const char *drawn[3]; /* sampled runs */
    int count[3];
    bool drawn_hit[3];
} made_prompt;

typedef struct made_fact {
    const char *id, *question, *answer, *second;
    made_prompt p[PROMPTS];
} made_fact;

/* One fact of each category, more of those that a draw decides. */
enum { N_FACTS = 40 };
extern made_fact facts[N_FACTS];
extern ken_err err;

void make_facts(void);
/* name is the file's in the folder of this test; the caller's, free with ken_run_free. */
ken_run *make_run(const char *name, const made_fact *f, size_t n, const char *method, const char *matcher, int prompts,
                  int samples, uint64_t seed);
ken_scoring *score(ken_run *run, const ken_score_options *o); /* must succeed; the caller's */
#endif
