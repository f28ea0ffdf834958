/* tune.c - fine-tuning on the facts of an arm.
 *
 * With the values frozen a step moves two numbers, the score of the subject and that of the relation's own key (eq. 2), and relations never
 * meet (E5). */
#include "lab/one_layer.h"
#include <string.h>

/* Subject first, then relation, both with replacement. */
static void draw(const ken_stream *draws, const ken_one_world *w, const ken_tuning_plan *p, int64_t t, int *s, int *r)
{
    uint32_t x[4];
    ken_stream_at(draws, (uint64_t)t, (uint32_t)p->arm, p->about, x);
    *s = ken_arm_subject(w, p->arm, (int)ken_below(x[0], (uint32_t)ken_arm_subjects(w, p->arm)));
    *r = (int)ken_below(x[1], (uint32_t)w->relations);
}

/* By eq. 2: phi(s) - phi(r) along phi(r). */
static void move(ken_scores *k, const ken_one_world *w, int s, int r, double by)
{
    k->subject[s * w->relations + r] += by * w->own;
    k->theta[r] += by * w->common;
    k->own[r] -= by;
}

static double gain_of(const ken_values *v, const ken_one_world *w, int s, int r, double attention)
{
    return (double)ken_lab_gain(ken_value_of(v, s), ken_value_of_relation(v, r), (float)attention,
                                ken_one_answer(w, s, r), w->k);
}

int ken_one_tune(ken_scores *k, const ken_values *v, const ken_one_world *w, const ken_tuning_plan *p, int64_t from,
                 int64_t to, ken_lab_watch *watch)
{
    const ken_stream draws = ken_stream_of(w->seed, KEN_STAGE_TUNE);
    for (int64_t t = from; t < to; t++) {
        if (t % KEN_LAB_STEPS == 0 && ken_lab_stopped(watch)) return KEN_ESTOP;
        int s, r;
        draw(&draws, w, p, t, &s, &r);
        const double a = ken_one_attention(w, k, s, r);
        move(k, w, s, r, p->lr * a * (1 - a) * gain_of(v, w, s, r, a));
    }
    return KEN_OK;
}

int ken_one_tune_full(ken_scores *k, const ken_values *v, const ken_one_world *w, const ken_tuning_plan *p,
                      int64_t updates, int64_t steps, double *scratch, ken_lab_watch *watch)
{
    const int n = ken_arm_subjects(w, p->arm);
    const double lr = p->lr * (double)updates / (double)steps / ((double)n * w->relations);
    for (int64_t t = 0; t < steps; t++)
        for (int r = 0; r < w->relations; r++) {
            if (ken_lab_stopped(watch)) return KEN_ESTOP;
            for (int i = 0; i < n; i++) { /* all by the scores before the step */
                const int s = ken_arm_subject(w, p->arm, i);
                const double a = ken_one_attention(w, k, s, r);
                scratch[i] = lr * a * (1 - a) * gain_of(v, w, s, r, a);
            }
            for (int i = 0; i < n; i++) move(k, w, ken_arm_subject(w, p->arm, i), r, scratch[i]);
        }
    return KEN_OK;
}

int ken_one_tune_joint(ken_scores *k, ken_values *v, const ken_one_world *w, const ken_tuning_plan *p, double lr_value,
                       int64_t from, int64_t to, float *scratch, ken_lab_watch *watch)
{
    const ken_stream draws = ken_stream_of(w->seed, KEN_STAGE_JOINT);
    const float own = (float)w->own, common = (float)w->common;
    for (int64_t t = from; t < to; t++) {
        if (t % KEN_LAB_STEPS == 0 && ken_lab_stopped(watch)) return KEN_ESTOP;
        int s, r;
        draw(&draws, w, p, t, &s, &r);
        const double a = ken_one_attention(w, k, s, r), by = lr_value * a;
        float *part = v->subject + (size_t)s * v->row, *mix = ken_value_of(v, s);
        for (size_t i = 0; v->theta != NULL && i < v->row; i++) mix[i] = own * part[i] + common * v->theta[i];
        const ken_value_step step = {.s = part,
                                     .r = ken_value_of_relation(v, r),
                                     .theta = v->theta,
                                     .by_s = (float)(by * w->own),
                                     .by_r = (float)(lr_value * (1 - a)),
                                     .by_theta = (float)(by * w->common),
                                     .mixed = mix,
                                     .lambda = (float)a,
                                     .a = ken_one_answer(w, s, r),
                                     .k = w->k,
                                     .p = scratch};
        const double gain = (double)ken_lab_value_step(&step);
        move(k, w, s, r, p->lr * a * (1 - a) * gain);
    }
    ken_values_mix(v, w);
    return KEN_OK;
}
