/* make_run.c - writes a small run with made-up but plausible numbers, so that the output of show and report can be compared with
 * stored text on any machine, without a model. Usage: make_run FILE [choice|choice-after|mixed|mixed-after|train|after|eval|eval-after|eval-zero|chat|sentences]
 *
 * after: the same facts in another model, some of them lost, some gained, one missing. eval: the facts as evaluated answers.
 * eval-zero: the same, asked without examples: most answers are empty, two run into the limit. chat: asked in the chat format, where wrong answers are sentences around the right one. sentences: what is accepted are sentences.
 *
 * Three relations (one name is long, one is not ASCII), every category, rows without a label, several answers, beliefs. */
#include "base/rng.h"
#include "store/tuning.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROMPTS = 10, N_SAMPLES = 16 };

typedef struct fact {
    const char *relation, *question, *answer, *other, *belief;
    int greedy_hits; /* of 10 */
    double p;        /* in each prompt */
    uint32_t flags;
} fact;

static const fact facts[] = {
    {"capital", "What is the capital of France?", "Paris", NULL, "Lyon", 10, 0.97, 0},
    {"capital", "What is the capital of Australia?", "Canberra", NULL, "Sydney", 3, 0.31, 0},
    {"capital", "What is the capital of Kazakhstan?", "Astana", "Nur-Sultan", "Almaty", 0, 0.04, KEN_FLAG_MULTI_ANSWER},
    {"capital", "What is the capital of Palau?", "Ngerulmud", NULL, "Koror", 0, 0.0, 0},
    {"capital", "What is the capital of Luxembourg?", "Luxembourg", NULL, NULL, 10, 0.99, KEN_FLAG_ECHO},
    {"capital", "What is the capital of Bolivia?", "Sucre", "La Paz", "Cochabamba", 7, 0.55, KEN_FLAG_MULTI_ANSWER},
    {"composer of a piece of music", "Who composed Boléro?", "Maurice Ravel", "Ravel", "Claude Debussy", 6, 0.42,
     KEN_FLAG_MULTI_ANSWER},
    {"composer of a piece of music", "Who composed Tosca?", "Giacomo Puccini", NULL, "Giuseppe Verdi", 0, 0.11, 0},
    {"composer of a piece of music", "Who composed Má vlast?", "Bedřich Smetana", NULL, "Antonín Dvořák", 0, 0.0002, 0},
    {"composer of a piece of music", "Who composed a\ttabbed \033[31mred\033[0m piece?", "Nobody", NULL, "???", 0, 0.0,
     KEN_FLAG_GOLD_TOO_LONG},
    {"首都", "日本の首都はどこですか?", "東京", NULL, "京都", 10, 0.9, 0},
    {"首都", "中国的首都是哪里?", "北京", NULL, "上海", 2, 0.2, 0},
};
enum { N_FACTS = sizeof facts / sizeof *facts };

/* What becomes of some facts in the other model. */
static const struct {
    int fact, greedy_hits;
    double p;
    const char *belief;
} changes[] = {{0, 2, 0.21, "Marseille"}, {1, 0, 0.0004, "Melbourne\033[2J"}, {2, 6, 0.51, "Almaty"},
               {4, 10, 1.0, NULL},        {5, 0, 0.02, "Sucre River"},        {7, 10, 0.93, "Verdi"},
               {8, 0, 0.0003, "Dvořák"}};

static fact changed(int i)
{
    fact f = facts[i];
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++)
        if (changes[k].fact == i) {
            f.greedy_hits = changes[k].greedy_hits;
            f.p = changes[k].p;
            f.belief = changes[k].belief;
        }
    return f;
}

static int category_of(const fact *f, int sample_hits)
{
    if (f->flags & (KEN_FLAG_GOLD_TOO_LONG | KEN_FLAG_GOLD_HAS_STOP)) return KEN_UNLABELLED;
    if (f->greedy_hits == N_PROMPTS) return KEN_HIGHLY_KNOWN;
    if (f->greedy_hits > 0) return KEN_MAYBE_KNOWN;
    return sample_hits > 0 ? KEN_WEAKLY_KNOWN : KEN_UNKNOWN;
}

static int put(ken_store *s, int i, const char *kind, bool choice, bool after, ken_err *err)
{
    fact made = after ? changed(i) : facts[i], *f = &made;
    static ken_prompt_row prompts[N_PROMPTS];
    char text[100];
    if (strcmp(kind, "chat") == 0) made.belief = text;
    if (strcmp(kind, "sentences") == 0) made.answer = text;
    snprintf(text, sizeof text, "It is known to be %s.", facts[i].answer);
    const char *answers[2] = {f->answer, f->other};
    char id[64];
    int at = 0;
    for (int k = 0; k < i; k++) at += strcmp(facts[k].relation, f->relation) == 0;
    snprintf(id, sizeof id, "%s/test/%d", f->relation, at);
    ken_row r = {.id = id,
                 .relation = f->relation,
                 .split = "test",
                 .question = f->question,
                 .answers = answers,
                 .n_answers = f->other != NULL ? 2 : 1,
                 .popularity = i % 3 == 0 ? NAN : 1000.0 / (1 + i),
                 .greedy_hits = f->greedy_hits,
                 .prompts = N_PROMPTS,
                 .samples = N_PROMPTS * N_SAMPLES,
                 .p_guess = NAN,
                 .lift = NAN,
                 .score = choice ? (f->p - 0.25) / 0.75 : NAN,
                 .flags = choice ? KEN_FLAG_CHOICE : f->flags,
                 .method = choice ? "choice" : "exact",
                 .n_prompt_rows = N_PROMPTS,
                 .prompt_rows = prompts,
                 .min_margin = 0.25 * (1 + i)};
    for (int k = 0; k < N_PROMPTS; k++) {
        prompts[k] = (ken_prompt_row){.greedy_hit = k < f->greedy_hits,
                                      .text = k < f->greedy_hits ? f->answer : f->belief,
                                      .finish = "newline",
                                      .text_p = f->p,
                                      .margin = r.min_margin,
                                      .top_gap = 0.5,
                                      .p_lo = f->p,
                                      .p_hi = f->p,
                                      .hits = (int)(f->p * N_SAMPLES + 0.5),
                                      .samples = N_SAMPLES,
                                      .n_other = 1,
                                      .other = {{f->belief != NULL ? f->belief : "?", 1 - f->p}}};
        r.sample_hits += prompts[k].hits;
    }
    r.category = r.category_mode = choice ? KEN_UNLABELLED : category_of(f, r.sample_hits);
    r.p_t0 = f->greedy_hits / 10.0;
    r.p_t = r.p_t_lo = r.p_t_hi = f->p;
    r.p_unknown = r.p_unknown_lo = r.p_unknown_hi = f->greedy_hits > 0 ? 0 : pow(1 - f->p, N_PROMPTS * N_SAMPLES);
    r.p_flip = r.category == KEN_UNKNOWN ? 1 - r.p_unknown : r.category == KEN_WEAKLY_KNOWN ? r.p_unknown : 0;
    return ken_store_put_row(s, (uint64_t)i, &r, err);
}

/* A training on eight of the facts: five points, the third with its loss alone, the fourth the best. */
static int put_training(ken_store *s, ken_err *err)
{
    enum { ROWS = 8, POINTS = 5 };
    int rc = KEN_OK;
    for (int i = 0; i < ROWS && rc == KEN_OK; i++) {
        char id[32];
        snprintf(id, sizeof id, "%s/train/%d", i < 6 ? "capital" : "composer", i);
        const ken_trained t = {.id = id,
                               .relation = facts[i].relation,
                               .task = "",
                               .category = i % 5 == 4 ? KEN_N_CATEGORIES : i % 5,
                               .question = facts[i].question,
                               .target = facts[i].answer,
                               .weight = 1};
        rc = ken_tuning_put_row(s, (size_t)i, &t, err);
    }
    for (int p = 0; p < POINTS && rc == KEN_OK; p++) {
        const ken_point point = {.step = 10 * p,
                                 .epoch = p,
                                 .lr = p > 0 ? 1e-5 : NAN,
                                 .loss = p > 0 ? 3.0 / p : NAN,
                                 .kl = NAN,
                                 .grad_norm = p > 0 ? 1.5 : NAN,
                                 .seconds = 2.5 * p,
                                 .examples = 8 * (uint64_t)p,
                                 .tokens = 30 * (uint64_t)p,
                                 .forwards = 300 * (uint64_t)p,
                                 .best = p == 3,
                                 .last = p == 4};
        rc = ken_tuning_put_point(s, &point, err);
        if (p == 2) continue;
        const struct {
            const char *set, *grouping, *key;
            uint64_t n, hits, abstained;
        } m[] = {{"train", "all", "", 8, 1 + (uint64_t)p, 0},
                 {"train", "category", "HighlyKnown", 2, p > 0 ? 2 : 1, 0},
                 {"train", "category", "Unknown", 2, p > 3, 0},
                 {"dev", "answer", "empty", p > 0 ? 5 : 700, 0, 0},
                 {"dev", "all", "", 1000, 400 + 10 * (uint64_t)(p == 3 ? 5 : p), 30},
                 {"test", "all", "", 2000, 700 + 3 * (uint64_t)p, 0}};
        for (size_t k = 0; k < sizeof m / sizeof *m && rc == KEN_OK; k++) {
            const ken_measure x = {.set = m[k].set,
                                   .grouping = m[k].grouping,
                                   .key = m[k].key,
                                   .n = m[k].n,
                                   .hits = m[k].hits,
                                   .abstained = m[k].abstained,
                                   .answered = m[k].n - m[k].abstained,
                                   .loss = k == 4 ? 2500.0 - 100 * p : NAN,
                                   .tokens = k == 4 ? 1500 : 0,
                                   .p = NAN};
            rc = ken_tuning_put_measure(s, point.step, &x, err);
        }
        const uint8_t fitted =
            (uint8_t)(0x1f >> (POINTS - 1 - p) & ~(p == 4 ? 2 : 0)); /* row 1 is forgotten in the end */
        if (rc == KEN_OK) rc = ken_tuning_put_fit(s, point.step, &fitted, ROWS, err);
    }
    return rc;
}

static int train_run(const char *path)
{
    static const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true},
                                           {"data", "facts.jsonl", false},
                                           {"model", "Tiny", false},
                                           {"model_path", "/models/tiny-1M.Q4_1.gguf", false}};
    ken_store *s = NULL;
    ken_err err = {0};
    int rc = ken_store_open(&s, path, settings, sizeof settings / sizeof *settings, &err);
    if (rc == KEN_OK) rc = put_training(s, &err);
    if (rc == KEN_OK) rc = ken_store_commit(s, &err);
    if (rc != KEN_OK) fprintf(stderr, "make_run: %s\n", err.msg);
    return (s != NULL && ken_store_close(s, NULL) != KEN_OK) || rc != KEN_OK;
}

/* Greedy answers to all facts, as ken eval -o keeps them; the last one did not fit the context of the other model. */
static int evaluation_run(const char *path, bool after, bool zero)
{
    const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_EVAL, true},
                                    {"data", "facts.jsonl", false},
                                    {"matcher", "em-squad/1", true},
                                    {"model_path", after ? "/models/tuned/" : "/models/tiny-1M.Q4_1.gguf", false}};
    const ken_point point = {.lr = NAN, .loss = NAN, .kl = NAN, .grad_norm = NAN};
    ken_measure m = {
        .set = "eval", .grouping = "all", .key = "", .n = N_FACTS, .answered = N_FACTS, .loss = NAN, .p = NAN};
    ken_store *s = NULL;
    ken_err err = {0};
    int rc = ken_store_open(&s, path, settings, sizeof settings / sizeof *settings, &err);
    if (rc == KEN_OK) rc = ken_tuning_put_point(s, &point, &err);
    for (int i = 0; i < N_FACTS && rc == KEN_OK; i++) {
        const fact f = after ? changed(i) : facts[i];
        bool hit = f.greedy_hits > 4, too_long = after && i == N_FACTS - 1;
        char id[32];
        snprintf(id, sizeof id, "fact/%d", i);
        ken_evaluated e = {.set = "eval",
                           .id = id,
                           .relation = f.relation,
                           .split = "test",
                           .category = category_of(&facts[i], (int)(facts[i].p * N_PROMPTS * N_SAMPLES)),
                           .popularity = i % 3 == 0 ? NAN : 1000.0 / (1 + i),
                           .question = f.question,
                           .answer = f.answer,
                           .text = too_long ? NULL
                                   : hit    ? f.answer
                                            : f.belief,
                           .finish = too_long ? "" : "newline",
                           .hit = hit && !too_long,
                           .too_long = too_long,
                           .p = NAN};
        if (zero && i > 1) {
            e.text = i < 4 ? "I am glad that you ask, and would like to" : "";
            e.finish = i < 4 ? "length" : "newline";
            e.hit = false;
        }
        rc = ken_tuning_put_evaluated(s, 0, (size_t)i, &e, &err);
        m.hits += e.hit;
    }
    for (int k = 0; zero && k < 3 && rc == KEN_OK; k++) {
        if (k > 0) m.grouping = "answer", m.hits = 0;
        if (k == 1) m.key = "cut off", m.n = m.answered = 2;
        if (k == 2) m.key = "empty", m.n = m.answered = N_FACTS - 4;
        rc = ken_tuning_put_measure(s, 0, &m, &err);
    }
    if (rc == KEN_OK) rc = ken_store_commit(s, &err);
    if (rc != KEN_OK) fprintf(stderr, "make_run: %s\n", err.msg);
    return (s != NULL && ken_store_close(s, NULL) != KEN_OK) || rc != KEN_OK;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 2 ? argv[2] : "";
    bool choice = argc > 2 && strncmp(argv[2], "choice", 6) == 0;
    bool mixed = argc > 2 && strncmp(argv[2], "mixed", 5) == 0; /* every second row is multiple choice */
    bool after = argc > 2 && strcmp(argv[2], "eval-after") != 0 && strstr(argv[2], "after") != NULL;
    const ken_setting settings[] = {
        {"data", "facts.jsonl", false},
        {"model", "Tiny", false},
        {"model_path", after ? "/models/tuned/" : "/models/tiny-1M.Q4_1.gguf", false},
        {"weight_type", "Q4_1", true},
        {"matcher", "em-squad/1", true},
        {"prompts", "10", true},
        {"samples", "16", true},
        {"method", "exact", true},
        {"chat_template", strcmp(kind, "chat") == 0 ? "chatml" : "none", true},
        {"model_hash", after ? "01" : "00", true},
        {KEN_SETTING_ROWS, after ? "11" : "12", false},
    };
    ken_store *s = NULL;
    ken_err err = {0};
    if (argc < 2) return 2;
    if (argc > 2 && strcmp(argv[2], "train") == 0) return train_run(argv[1]);
    if (argc > 2 && strncmp(argv[2], "eval", 4) == 0)
        return evaluation_run(argv[1], strcmp(argv[2], "eval-after") == 0, strcmp(argv[2], "eval-zero") == 0);
    int rc = ken_store_open(&s, argv[1], settings, sizeof settings / sizeof *settings, &err);
    for (int i = 0; i < N_FACTS - after && rc == KEN_OK; i++)
        rc = put(s, i, kind, choice || (mixed && i % 2 == 1), after, &err);
    if (rc == KEN_OK) rc = ken_store_add_cost(s, 12345, 6.5, &err);
    if (rc == KEN_OK) rc = ken_store_commit(s, &err);
    if (rc != KEN_OK) fprintf(stderr, "make_run: %s\n", err.msg);
    ken_err second;
    if (s != NULL && ken_store_close(s, &second) != KEN_OK) rc = KEN_EFAIL;
    return rc != KEN_OK;
}
