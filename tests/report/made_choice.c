/* made_choice.c - see made_choice.h. */
#include "made_choice.h"
#include "made_run.h"
#include "store/store.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHOICE_OPTIONS = 4 };

static int put_choice(ken_store *s, size_t place, size_t i, double shift, ken_err *err)
{
    static const char *const subject[] = {"anatomy", "high_school_world_history", "elementary_mathematics", "virology"};
    static const char *const option[CHOICE_OPTIONS] = {"-5", "5", "the <b>mitochondria</b>", "none of these"};
    uint32_t r = (uint32_t)i;
    ken_prompt_row p[MADE_PROMPTS] = {{0}};
    char id[64], question[1200], passage[900];
    const char *answers[1] = {option[i % CHOICE_OPTIONS]};
    double skill = 0.05 + 0.9 * made_draw(r, 20, 0) + shift * (made_draw(r, 21, 0) - 0.6), mean = 0;
    int hits = 0;
    memset(passage, 'x', sizeof passage - 1);
    for (size_t k = 5; k + 1 < sizeof passage; k += 6) passage[k] = ' ';
    passage[i % 7 == 0 ? sizeof passage - 1 : 0] = '\0';
    snprintf(question, sizeof question, "%s\nWhich of these is number %zu?", passage, i);
    snprintf(id, sizeof id, "%s/test/%zu", subject[i % 4], i);
    for (uint32_t k = 0; k < MADE_PROMPTS; k++) {
        double x = fmin(0.99, fmax(0.01, skill + 0.2 * (made_draw(r, 22, k) - 0.5)));
        bool hit = x > 0.45;
        p[k] = (ken_prompt_row){.greedy_hit = hit,
                                .greedy_hit_raw = hit,
                                .text = option[(i + (hit ? 0 : 1 + k % 3)) % CHOICE_OPTIONS],
                                .finish = "",
                                .text_p = NAN,
                                .margin = 1,
                                .top_gap = NAN,
                                .p_lo = x,
                                .p_hi = x,
                                .raw_lo = x,
                                .raw_hi = x};
        hits += hit;
        mean += x / MADE_PROMPTS;
    }
    ken_row row = {.id = id,
                   .relation = subject[i % 4],
                   .split = "test",
                   .question = question,
                   .answers = answers,
                   .n_answers = 1,
                   .popularity = NAN,
                   .category = KEN_UNLABELLED,
                   .category_mode = KEN_UNLABELLED,
                   .p_t0 = hits / (double)MADE_PROMPTS,
                   .p_t = mean,
                   .p_t_lo = mean,
                   .p_t_hi = mean,
                   .greedy_hits = hits,
                   .prompts = MADE_PROMPTS,
                   .p_unknown = NAN,
                   .p_unknown_lo = NAN,
                   .p_unknown_hi = NAN,
                   .p_flip = NAN,
                   .min_margin = 1,
                   .p_guess = NAN,
                   .lift = NAN,
                   .score = (mean - 1.0 / CHOICE_OPTIONS) / (1 - 1.0 / CHOICE_OPTIONS),
                   .flags = KEN_FLAG_CHOICE,
                   .method = "choice",
                   .n_prompt_rows = MADE_PROMPTS,
                   .prompt_rows = p};
    return ken_store_put_row(s, place, &row, err);
}

/* A fact that is no multiple choice: its category moves on by one where the model was changed. */
static int put_other(ken_store *s, size_t i, double shift, ken_err *err)
{
    char id[64];
    const char *answers[1] = {"Kesh"};
    int category = (int)(i + (shift > 0)) % KEN_UNLABELLED;
    snprintf(id, sizeof id, "capital/test/%zu", i);
    ken_row row = {.id = id,
                   .relation = "capital",
                   .split = "test",
                   .question = "What is the capital of Velm?",
                   .answers = answers,
                   .n_answers = 1,
                   .popularity = NAN,
                   .category = category,
                   .category_mode = category,
                   .p_t0 = category == KEN_HIGHLY_KNOWN,
                   .p_t = 0.9 - 0.3 * category,
                   .p_t_lo = 0.9 - 0.3 * category,
                   .p_t_hi = 0.9 - 0.3 * category,
                   .greedy_hits = category == KEN_HIGHLY_KNOWN ? MADE_PROMPTS : 0,
                   .prompts = MADE_PROMPTS,
                   .min_margin = 1,
                   .p_guess = NAN,
                   .lift = NAN,
                   .score = NAN,
                   .method = "exact"};
    return ken_store_put_row(s, i, &row, err);
}

int make_choice_run(const char *path, size_t others, size_t n, double shift, ken_err *err)
{
    char rows[24];
    snprintf(rows, sizeof rows, "%zu", others + n);
    const ken_setting settings[] = {{"model", "SmolLM2-135M-Instruct", false},
                                    {"model_path", shift > 0.0 ? "/home/me/trained" : "", false},
                                    {"data", "mmlu", false},
                                    {"method", "exact", true},
                                    {"temperature", "0.5", true},
                                    {"prompts", "10", true},
                                    {KEN_SETTING_ROWS, rows, false}};
    ken_store *s;
    unlink(path);
    int rc = ken_store_open(&s, path, settings, sizeof settings / sizeof settings[0], err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < others && rc == KEN_OK; i++) rc = put_other(s, i, shift, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = put_choice(s, others + i, i, shift, err);
    if (rc == KEN_OK) rc = ken_store_commit(s, err);
    int closed = ken_store_close(s, err);
    return rc != KEN_OK ? rc : closed;
}
