/* scored_run.c - see scored_run.h. */
#include "scored_run.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

ken_err err;

/* As `ken annotate` fills a row, from the same arithmetic. */
static void make_fact(ken_row *r, ken_prompt_row *q, const char **answers, ken_drawn (*drawn)[3], const made_fact *f,
                      const char *method, int prompts, int samples, uint64_t seed)
{
    bool hit[PROMPTS];
    double lo[PROMPTS], hi[PROMPTS];
    int hits[PROMPTS] = {0};
    ken_knowledge k;
    bool sampled = strcmp(method, "sample") == 0;
    answers[0] = f->answer;
    answers[1] = f->second;
    memset(q, 0, PROMPTS * sizeof *q);
    for (int i = 0; i < prompts; i++) {
        const made_prompt *p = &f->p[i];
        hit[i] = p->hit;
        lo[i] = p->lo;
        hi[i] = p->hi;
        q[i] = (ken_prompt_row){.greedy_hit = p->hit,
                                .greedy_hit_raw = p->raw,
                                .text = p->text,
                                .finish = "newline",
                                .text_p = p->text_p,
                                .margin = 1 + i,
                                .top_gap = 1,
                                .p_lo = p->lo,
                                .p_hi = p->hi,
                                .raw_lo = p->raw_lo,
                                .raw_hi = p->raw_hi,
                                .samples = samples,
                                .drawn = drawn[i]};
        for (int j = 0; j < 3 && p->other[j] != NULL; j++, q[i].n_other++) {
            q[i].other[j].text = p->other[j];
            q[i].other[j].p = p->other_p[j];
        }
        for (int j = 0; j < 3 && p->drawn[j] != NULL && sampled; j++, q[i].n_drawn++) {
            drawn[i][j] = (ken_drawn){p->drawn[j], p->count[j], p->drawn_hit[j]};
            hits[i] += p->drawn_hit[j] ? p->count[j] : 0;
        }
        if (sampled) q[i].p_lo = q[i].p_hi = (double)hits[i] / samples;
    }
    if (sampled) ken_categorize_sampled(&k, hit, hits, prompts, samples);
    else ken_categorize_exact(&k, hit, lo, hi, prompts, samples, seed, f->id, hits);
    for (int i = 0; i < prompts; i++) q[i].hits = hits[i];
    *r = (ken_row){.id = f->id,
                   .relation = "r",
                   .split = "test",
                   .question = f->question,
                   .answers = answers,
                   .n_answers = f->second != NULL ? 2 : 1,
                   .popularity = NAN,
                   .category = k.category,
                   .category_mode = k.category_mode,
                   .p_t0 = k.p_t0,
                   .p_t = k.p_t,
                   .p_t_lo = k.p_t_lo,
                   .p_t_hi = k.p_t_hi,
                   .greedy_hits = k.greedy_hits,
                   .prompts = prompts,
                   .sample_hits = k.sample_hits,
                   .samples = k.samples,
                   .p_unknown = k.p_unknown,
                   .p_unknown_lo = k.p_unknown_lo,
                   .p_unknown_hi = k.p_unknown_hi,
                   .p_flip = k.p_flip,
                   .min_margin = 1,
                   .p_guess = NAN,
                   .lift = NAN,
                   .score = NAN,
                   .flags = k.unsettled ? KEN_FLAG_UNSETTLED : 0,
                   .method = method,
                   .n_prompt_rows = prompts,
                   .prompt_rows = q};
}

ken_run *make_run(const char *name, const made_fact *f, size_t n, const char *method, const char *matcher, int prompts,
                  int samples, uint64_t seed)
{
    char text[3][32];
    snprintf(text[0], sizeof text[0], "%d", prompts);
    snprintf(text[1], sizeof text[1], "%d", samples);
    snprintf(text[2], sizeof text[2], "%llu", (unsigned long long)seed);
    const ken_setting settings[] = {{"method", method, true},   {"matcher", matcher, true}, {"prompts", text[0], true},
                                    {"samples", text[1], true}, {"seed", text[2], true},    {"stop", "\n", true},
                                    {"mass_budget", "0", true}};
    const char *path = in_folder(name);
    ken_store *s;
    ken_run *run;
    remove(path);
    assert_ok(ken_store_open(&s, path, settings, sizeof settings / sizeof *settings, &err));
    for (size_t i = 0; i < n; i++) {
        ken_row row;
        ken_prompt_row q[PROMPTS];
        ken_drawn drawn[PROMPTS][3];
        const char *answers[2];
        make_fact(&row, q, answers, drawn, &f[i], method, prompts, samples, seed);
        assert_ok(ken_store_put_row(s, i, &row, &err));
    }
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&run, path, &err));
    return run;
}

made_fact facts[N_FACTS];
static char ids[N_FACTS][16];

void make_facts(void)
{
    for (int i = 0; i < N_FACTS; i++) {
        snprintf(ids[i], sizeof ids[i], "r/test/%d", i);
        facts[i] = (made_fact){ids[i], "Which city?", "Paris", i % 5 == 0 ? "City of Light" : NULL, {{0}}};
        for (int j = 0; j < PROMPTS; j++) {
            double u = ken_uniform(3, ids[i], strlen(ids[i]), (uint32_t)j, 7, 0);
            made_prompt *p = &facts[i].p[j];
            p->hit = i < 4 || (i < 10 && j % 2 == 0);
            p->raw = p->hit && i % 2 == 0;
            p->text = p->hit ? p->raw ? " Paris" : " paris." : " Lyon";
            p->lo = i < 10 ? u : 0.08 * u * u;
            p->hi = p->lo + 1e-4;
            p->raw_lo = 0.5 * p->lo;
            p->raw_hi = p->raw_lo + 2e-4;
            p->text_p = p->hit ? 0.9 * p->raw_lo : 0.3;
            p->drawn[0] = " Lyon";
            p->drawn[1] = "Paris";
            p->drawn[2] = " in Paris";
            p->count[1] = (int)(u * 3);
            p->count[2] = (i + j) % 2;
            p->count[0] = SAMPLES - p->count[1] - p->count[2];
            p->drawn_hit[1] = true;
        }
    }
}

ken_scoring *score(ken_run *run, const ken_score_options *o)
{
    ken_scoring *s;
    assert_ok(ken_score(&s, run, o, &err));
    return s;
}
