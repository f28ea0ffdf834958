/* one_layer.c - the world, values and scores; see one_layer.h. Training them is in pretrain.c, tune.c. */
#include "lab/one_layer.h"
#include "base/alloc.h"
#include "lab/plain_math.h"
#include <math.h>
#include <string.h>

int ken_one_world_make(ken_one_world *w, int subjects, int relations, int answers, double shared, uint64_t seed,
                       ken_err *err)
{
    const size_t facts = (size_t)subjects * (size_t)relations;
    *w = (ken_one_world){.subjects = subjects,
                         .relations = relations,
                         .answers = answers,
                         .k = relations * answers,
                         .own = sqrt(1 - shared),
                         .common = sqrt(shared),
                         .seed = seed,
                         .answer = ken_alloc(facts, sizeof *w->answer),
                         .random = ken_alloc((size_t)subjects / 2, sizeof *w->random)};
    if (w->answer == NULL || w->random == NULL) {
        ken_one_world_free(w);
        return ken_fail_nomem(err, "facts");
    }
    const ken_stream of_answers = ken_stream_of(seed, KEN_STAGE_ANSWERS), of_half = ken_stream_of(seed, KEN_STAGE_HALF);
    uint32_t x[4];
    for (size_t i = 0; i < facts; i++) {
        ken_stream_at(&of_answers, i, 0, 0, x);
        w->answer[i] = (int32_t)(i % (size_t)relations) * answers + (int32_t)ken_below(x[0], (uint32_t)answers);
    }
    const int n = subjects / 2;
    for (int i = 0; i < n; i++) w->random[i] = 2 * i;
    for (int i = n - 1; i > 0; i--) { /* Fisher and Yates; the first half of it counts */
        ken_stream_at(&of_half, (uint64_t)i, 0, 0, x);
        const uint32_t j = ken_below(x[0], (uint32_t)i + 1);
        const int32_t t = w->random[i];
        w->random[i] = w->random[j];
        w->random[j] = t;
    }
    return KEN_OK;
}

void ken_one_world_free(ken_one_world *w)
{
    ken_free(w->answer);
    ken_free(w->random);
    memset(w, 0, sizeof *w);
}

int ken_arm_subjects(const ken_one_world *w, int arm)
{
    return arm == KEN_ARM_WHOLE || arm == KEN_ARM_WHOLE_MATCHED ? w->subjects / 2 : w->subjects / 4;
}

int ken_arm_subject(const ken_one_world *w, int arm, int i)
{
    if (arm == KEN_ARM_RANDOM) return w->random[i];
    return arm == KEN_ARM_BOTTOM ? 2 * (w->subjects / 4 + i) : 2 * i;
}

/* ---- values ----------------------------------------------------------------------------------------------------------- */

size_t ken_values_bytes(const ken_one_world *w)
{
    const size_t row = ken_lab_row(w->k) * sizeof(float), s = (size_t)w->subjects;
    return ((w->common > 0 ? 2 * s : s) + (size_t)w->relations + 1) * row;
}

int ken_values_make(ken_values *v, const ken_one_world *w, ken_err *err)
{
    const size_t row = ken_lab_row(w->k), s = (size_t)w->subjects;
    const bool shared = w->common > 0;
    *v = (ken_values){.row = row,
                      .subject = ken_calloc(s * row, sizeof *v->subject),
                      .relation = ken_calloc((size_t)w->relations * row, sizeof *v->relation)};
    if (shared) {
        v->theta = ken_calloc(row, sizeof *v->theta);
        v->mixed = ken_calloc(s * row, sizeof *v->mixed);
    } else v->mixed = v->subject;
    if (v->subject != NULL && v->relation != NULL && v->mixed != NULL && (!shared || v->theta != NULL)) return KEN_OK;
    ken_values_free(v);
    return ken_fail_nomem(err, "values of the tokens");
}

void ken_values_free(ken_values *v)
{
    if (v->mixed != v->subject) ken_free(v->mixed);
    ken_free(v->subject);
    ken_free(v->relation);
    ken_free(v->theta);
    memset(v, 0, sizeof *v);
}

void ken_values_copy(ken_values *to, const ken_values *from, const ken_one_world *w)
{
    const size_t all = (size_t)w->subjects * from->row * sizeof(float);
    memcpy(to->subject, from->subject, all);
    memcpy(to->relation, from->relation, (size_t)w->relations * from->row * sizeof(float));
    if (from->theta == NULL) return;
    memcpy(to->theta, from->theta, from->row * sizeof(float));
    memcpy(to->mixed, from->mixed, all);
}

void ken_values_mix(ken_values *v, const ken_one_world *w)
{
    if (v->theta == NULL) return;
    const float own = (float)w->own, common = (float)w->common;
    for (size_t s = 0; s < (size_t)w->subjects; s++)
        for (size_t i = 0; i < v->row; i++)
            v->mixed[s * v->row + i] = own * v->subject[s * v->row + i] + common * v->theta[i];
}

/* ---- scores ----------------------------------------------------------------------------------------------------------- */

int ken_scores_make(ken_scores *k, const ken_one_world *w, ken_err *err)
{
    *k = (ken_scores){
        .subject = ken_calloc((size_t)w->subjects * (size_t)w->relations, sizeof *k->subject),
        .theta = ken_calloc((size_t)w->relations, sizeof *k->theta),
        .own = ken_calloc((size_t)w->relations, sizeof *k->own),
    };
    if (k->subject != NULL && k->theta != NULL && k->own != NULL) return KEN_OK;
    ken_scores_free(k);
    return ken_fail_nomem(err, "attention scores");
}

void ken_scores_free(ken_scores *k)
{
    ken_free(k->subject);
    ken_free(k->theta);
    ken_free(k->own);
    memset(k, 0, sizeof *k);
}

void ken_scores_clear(ken_scores *k, const ken_one_world *w)
{
    memset(k->subject, 0, (size_t)w->subjects * (size_t)w->relations * sizeof *k->subject);
    memset(k->theta, 0, (size_t)w->relations * sizeof *k->theta);
    memset(k->own, 0, (size_t)w->relations * sizeof *k->own);
}

double ken_one_attention(const ken_one_world *w, const ken_scores *k, int s, int r)
{
    const double gap = w->own * k->subject[s * w->relations + r] + w->common * k->theta[r] - k->own[r];
    return ken_plain_sigmoid(gap);
}

double ken_one_attention_unseen(const ken_one_world *w, const ken_scores *k, int r)
{
    return ken_plain_sigmoid(-(k->own[r] - w->common * k->theta[r]));
}
