/* theory.h - the parts of a run of the theory, for src/lab and the views alone: what each seed measured, and what is made of it. */
#ifndef KEN_LAB_THEORY_H
#define KEN_LAB_THEORY_H
#include "base/arena.h"
#include "base/options.h"
#include "lab/held.h"
#include "lab/reference.h"
#include <pthread.h>
#include <stdatomic.h>

enum { KEN_SALIENCE_BINS = 11 };
extern const double ken_salience_edge[KEN_SALIENCE_BINS - 1]; /* between the bins of C3 */

typedef struct ken_bin {
    double sum;
    uint32_t n, negative;
} ken_bin;

typedef struct ken_spilled { /* right side of eq. 4 over the learning rate: over relations */
    double mean, least, most;
} ken_spilled;

typedef struct ken_seed_cell { /* what one seed measured in one cell; NaN where nothing was */
    double accuracy[KEN_N_ARMS], quartile[KEN_N_ARMS][4], attention[KEN_N_ARMS];
    double before, before_quartile[4], best_accuracy, best_attention, rho;
    double *curve; /* (KEN_N_ARMS, epochs) */
    /* C1: from n = 0 to the first bin, NaN where a bin has too few facts; does a later slope rise, and by how much at most */
    double first_slope, rise;
    ken_spilled top, bottom; /* C4 */
    int relations_unordered; /* where Top's is not above Bottom's */
    /* The reference cell alone */
    ken_bin bin[KEN_SALIENCE_BINS]; /* C3 */
    double difference;              /* C2, of the f32 state */
    uint32_t patched, patched_wrong,
        lookups; /* C8: predictions compared; those that differ; E3: lookups that differ from the argmax */
    bool frozen; /* the values are what they were */
} ken_seed_cell;

typedef struct ken_seed_joint {   /* one seed, one pair, all epochs */
    double *accuracy, *attention; /* (KEN_N_ARMS, epochs) */
    double before, patched_before, patched_top;
} ken_seed_joint;

struct ken_lab_watch {
    pthread_mutex_t
        one; /* thread at a time calls, reports, fails; no named critical section, whose name the shared library would show */
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx;
    atomic_bool stopped;
    double began;
    uint64_t done, total, steps; /* tasks, and steps of their trainings */
};
void ken_lab_done(ken_lab_watch *w); /* one more task */
/* A thread's failure rc: the first one is kept in *status and *err (a stop gives way to others), and all threads stop. */
void ken_lab_failed(ken_lab_watch *w, int *status, int rc, ken_err *err, const ken_err *mine);

struct ken_theory {
    ken_theory_options o; /* its lists are ours */
    ken_arena arena;
    size_t n_cells, reference; /* reference: the cell of C2, C3, C8 */
    ken_seed_cell *seed_cell;  /* (n_cells, seeds) */
    ken_theory_cell *cell;     /* (n_cells) */
    size_t n_pairs;
    ken_seed_joint *seed_joint; /* (n_pairs, joint_seeds) */
    ken_theory_joint *joint;    /* (n_pairs, joint_epochs) */
    size_t n_joints;
    ken_gradient_errors gradient;
    ken_theory_check *check;
    size_t n_checks;
    double seconds;
};

bool ken_theory_published(
    const ken_theory_options
        *o); /* all but sweep, seeds and joint training are the defaults: 4.3 says what is to come */
bool ken_theory_in_grid(const ken_theory_cell *c);      /* of the default sweep */
bool ken_theory_is_reference(const ken_theory_cell *c); /* alpha 1, 30000 steps */

int ken_theory_take(ken_theory *t, const ken_theory_options *o, ken_err *err); /* options.c: checked and copied */
int ken_theory_sweep(ken_theory *t, ken_lab_watch *w, ken_err *err);
int ken_theory_train_joint(ken_theory *t, ken_lab_watch *w, ken_err *err);
int ken_theory_average(ken_theory *t, ken_err *err);
int ken_theory_judge(ken_theory *t, ken_err *err); /* the checks */

/* measure.c */
int ken_measure_salience(ken_seed_cell *c, const ken_one_world *w, const ken_values *v, const uint32_t *exposures);
void ken_measure_spill(ken_seed_cell *c, const ken_one_world *w, const ken_values *v);
void ken_measure_gain(ken_seed_cell *c, const ken_one_world *w, const ken_values *v);
double ken_measure_difference(const ken_one_world *w, const ken_values *v);
#endif
