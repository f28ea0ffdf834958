/* one_layer.h - the world of the theory and its one-layer network: who is asked what, and the values and scores that training moves.
 *
 * Subjects are numbered by popularity, 0 the most popular. Even ones are trained on, odd ones held out, so that both have the same profile. Answers
 * of relation r are r * answers .. (r + 1) * answers - 1. docs/method/salience.md#model has the equations, salience.md#identities what is used
 * here to be fast. */
#ifndef KEN_LAB_ONE_LAYER_H
#define KEN_LAB_ONE_LAYER_H
#include "base/error.h"
#include "lab/draw.h"
#include "lab/softmax.h"

typedef struct ken_one_world {
    int subjects, relations, answers; /* answers: of one relation */
    int k;                            /* of all relations */
    double own, common;               /* phi(s) = own s~ + common theta; 1 and 0 where subjects share no direction */
    uint64_t seed;
    int32_t *answer; /* (subjects, relations) */
    int32_t *random; /* (subjects / 4) half of the train subjects, at random */
} ken_one_world;

int ken_one_world_make(ken_one_world *w, int subjects, int relations, int answers, double shared, uint64_t seed,
                       ken_err *err);
void ken_one_world_free(ken_one_world *w);
static inline int ken_one_answer(const ken_one_world *w, int s, int r) { return w->answer[s * w->relations + r]; }
static inline int ken_one_quartile(const ken_one_world *w, int s) { return (int)((int64_t)s * 4 / w->subjects); }

/* The i-th subject of an arm, and how many it has. The update-matched Whole is Whole, stopped earlier. */
int ken_arm_subject(const ken_one_world *w, int arm, int i);
int ken_arm_subjects(const ken_one_world *w, int arm);

/* W_V: v of each token. Rows of ken_lab_row(k) floats. */
typedef struct ken_values {
    size_t row;
    float *subject;  /* (subjects, row) along s~ */
    float *relation; /* (relations, row) */
    float *theta;    /* (row) along the shared direction; NULL = there is none */
    float *mixed; /* (subjects, row) v(s) = own subject + common theta; = subject where there is no shared direction */
} ken_values;

int ken_values_make(ken_values *v, const ken_one_world *w, ken_err *err);
void ken_values_free(ken_values *v);
void ken_values_copy(ken_values *to, const ken_values *from, const ken_one_world *w);
void ken_values_mix(ken_values *v, const ken_one_world *w); /* works out mixed */
static inline float *ken_value_of(const ken_values *v, int s) { return v->mixed + (size_t)s * v->row; }
static inline float *ken_value_of_relation(const ken_values *v, int r) { return v->relation + (size_t)r * v->row; }
size_t ken_values_bytes(const ken_one_world *w);

/* W_KQ, as far as a prompt [s, r] reads it: scores phi(y)^T W_KQ phi(r), one column a relation. */
typedef struct ken_scores {
    double *subject; /* (subjects, relations) along s~ */
    double *theta;   /* (relations) along the shared direction */
    double *own;     /* (relations) k_r: of r's own key */
} ken_scores;

int ken_scores_make(ken_scores *k, const ken_one_world *w, ken_err *err); /* zero: attention 1/2 */
void ken_scores_free(ken_scores *k);
void ken_scores_clear(ken_scores *k, const ken_one_world *w);
/* Attention to the subject: sig_s. */
double ken_one_attention(const ken_one_world *w, const ken_scores *k, int s, int r);
/* To a subject that no training has seen: lambda_r (E2). */
double ken_one_attention_unseen(const ken_one_world *w, const ken_scores *k, int r);

/* ---- training ------------------------------------------------------------------------------------------------------- */

/* Asked every few thousand steps by whatever thread: true stops. */
typedef struct ken_lab_watch ken_lab_watch;
bool ken_lab_stopped(ken_lab_watch *w);
enum { KEN_LAB_STEPS = 4096 };

/* Pretraining from step `from` to `to`: W_V alone, attention fixed at 1/2. exposures (subjects, relations) counts. */
int ken_one_pretrain(ken_values *v, uint32_t *exposures, const ken_one_world *w, const ken_zipf *z, double lr,
                     int64_t from, int64_t to, float *scratch, ken_lab_watch *watch);

typedef struct ken_tuning_plan {
    int arm;
    double lr;
    uint32_t about; /* makes the draws of one cell others than those of the next */
} ken_tuning_plan;
/* Fine-tuning of W_KQ alone, values frozen: updates from..to-1, each on one fact of the arm. */
int ken_one_tune(ken_scores *k, const ken_values *v, const ken_one_world *w, const ken_tuning_plan *p, int64_t from,
                 int64_t to, ken_lab_watch *watch);
/* The same with the expected step: each of `steps` updates is the mean over all facts of the arm, at the learning rate lr * updates / steps. */
int ken_one_tune_full(ken_scores *k, const ken_values *v, const ken_one_world *w, const ken_tuning_plan *p,
                      int64_t updates, int64_t steps, double *scratch, ken_lab_watch *watch);
/* Both weights trained: v changes too, scratch is (row) floats. */
int ken_one_tune_joint(ken_scores *k, ken_values *v, const ken_one_world *w, const ken_tuning_plan *p, double lr_value,
                       int64_t from, int64_t to, float *scratch, ken_lab_watch *watch);
#endif
