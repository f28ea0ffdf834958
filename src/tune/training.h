/* training.h - what the files of the training loop share: options checked, rows opened, sizes known. Nothing here holds weights.
 *
 * training.c opens it; train.c trains with it; train_settings.c says what decides its bits; train_output.c writes what comes out;
 * train_plan.c says what it would cost. */
#ifndef KEN_TUNE_TRAINING_H
#define KEN_TUNE_TRAINING_H
#include "base/arena.h"
#include "base/buf.h"
#include "know/golds.h"
#include "nn/optim.h"
#include "store/store.h"
#include "tune/freeze.h"
#include "tune/schedule.h"
#include "tune/set.h"
#include "tune/stop_rule.h"

enum { KEN_SET_TRAIN, KEN_SET_DEV, KEN_SET_TEST, KEN_SET_OOD, KEN_N_SETS };
extern const char *const ken_set_names[KEN_N_SETS]; /* "train", "dev", "test", "ood" */

typedef struct ken_training {
    ken_train_options own;      /* what was asked for; its data are in `data` */
    const ken_train_options *o; /* &own: a training stays where it is */
    ken_train_data data;
    ken_data_options read;                  /* of data */
    ken_data_options read_like[KEN_N_SETS]; /* of the other sets */
    ken_model *model;
    ken_train_data from[KEN_N_SETS]; /* path NULL = not asked for */
    ken_tune_set *set[KEN_N_SETS];   /* NULL = not asked for */
    ken_arena arena;                 /* names of relations */
    ken_buf notes;                   /* about the watched sets: one sentence a line */
    ken_order *order;
    int64_t per_epoch, steps; /* updates */
    ken_schedule schedule;
    ken_optim_options optim;
    ken_isa isa;
    ken_compute compute;
    bool share;    /* prefixes of a batch are computed once */
    bool low_rank; /* lora is what is trained */
    ken_lora_spec lora;
    ken_stop_rule stop;
    int64_t teacher_epoch; /* whose weights the teacher has: 0 = the base; -1 = no teacher */
    ken_gold_rules golds;  /* what counts as right, and as declining */
    ken_dtype save_type, gguf[8];
    int n_gguf;
} ken_training;

/* Checks the options (KEN_EUSAGE naming one) and opens the rows. Free with ken_training_close, also after a failure. */
int ken_training_open(ken_training *t, ken_model *m, const ken_train_options *given, ken_err *err);
void ken_training_close(ken_training *t);

/* The settings of the run: everything that decides its bits is binding. gemm NULL = not known yet, left out. In arena. */
int ken_training_settings(const ken_training *t, const char *gemm, ken_arena *arena, ken_setting **out, size_t *n,
                          ken_err *err);

/* Writes the weights, or the adapter, in every format asked for into dir, the weights' file last. */
int ken_training_write(const ken_training *t, const ken_params *p, const ken_lora *l, const char *dir, bool gguf,
                       ken_err *err);
#endif
