/* measures.h - what is measured of the facts of one synthetic world, beside what is known of them. */
#ifndef KEN_LAB_MEASURES_H
#define KEN_LAB_MEASURES_H
#include "base/arena.h"
#include "ken.h"
#include "know/watch.h"

typedef struct ken_measured {
    const char *id, *relation, *subject, *question, *sentence, *answer, *split;
    uint32_t group; /* its subject's number */
    uint32_t exposures, said_of_subject;
    int category;
    double p, p_unknown; /* NaN: it was not asked (dev facts are the exemplars) */
    double salience;
} ken_measured;

typedef struct ken_world_facts {
    const char *dir;
    ken_arena arena;
    ken_measured *fact; /* (n) */
    size_t n, asked;    /* those with a P_Correct come first */
    uint32_t subjects;
} ken_world_facts;

/* Reads dir's facts, has them annotated (into dir/known.ken, as far as they are not) and their salience read. */
int ken_world_facts_measure(ken_world_facts *w, const char *dir, const ken_measures_options *o, ken_watch *watch,
                            ken_err *err);
void ken_world_facts_free(ken_world_facts *w);
double ken_measured_rank(const ken_measured *f, int rank); /* by KEN_RANK_* */

/* salience.c: fills `salience` of every fact. */
int ken_salience_read(ken_world_facts *w, const ken_model *m, const ken_measures_options *o, ken_watch *watch,
                      ken_err *err);

/* contest.c: test accuracies of one world. */
typedef struct ken_contest_result {
    double best, last, epoch, fit; /* NaN = not trained */
} ken_contest_result;
enum { KEN_CONTEST_HALVES = 2 * KEN_N_RANKS, KEN_CONTEST_TRAININGS = KEN_CONTEST_HALVES + 3 };
/* Place of a training: 2 * rank + (top), then random half, whole, whole with the updates of a half. */
int ken_contest_run(const ken_world_facts *w, const ken_measures_options *o, ken_watch *watch,
                    ken_contest_result out[KEN_CONTEST_TRAININGS], double *before, ken_err *err);
#endif
