/* checkpoint.h - the state of a training in one file, written whole or not at all.
 *
 * The file holds the counters, the binding settings, every array (weights or adapter, the optimizer's moments) and a SHA-256 over all of
 * it. It replaces its predecessor by a rename once it is complete and on the disk: kill -9, a power cut or a full disk at any
 * moment leave the old one or the new one. Everything random is a function of seed and counters, so nothing else is needed for a resumed
 * training to give the bits of an undisturbed one. Native byte order: a checkpoint belongs to the kind of machine that made it. */
#ifndef KEN_TUNE_CHECKPOINT_H
#define KEN_TUNE_CHECKPOINT_H
#include "store/setting_list.h"

/* What losses are added up by: the main rows by category (or never annotated), then the mixture's tasks. */
enum {
    KEN_TRAIN_CATEGORIES = KEN_N_CATEGORIES + 1,
    KEN_TRAIN_TASKS = 16,
    KEN_TRAIN_CLASSES = KEN_TRAIN_CATEGORIES + KEN_TRAIN_TASKS
};

typedef struct ken_train_state { /* fields of 8 bytes: no padding */
    int64_t step;                /* updates done */
    int64_t evaluated;           /* step of the last evaluation; -1 = none */
    int64_t best_step;           /* with the most dev hits, the earliest of them; -1 = none */
    uint64_t best_hits;          /* dev rows right there */
    int64_t since_best;          /* evaluations since */
    int64_t finished;            /* 1: all updates are done; only the weights are kept */
    /* Since the last evaluation: */
    double loss[KEN_TRAIN_CLASSES];      /* sum of -log p over target tokens */
    uint64_t targets[KEN_TRAIN_CLASSES]; /* their number */
    double kl, norm; /* sums: of the divergence over target tokens, of the gradient's norm over steps */
    uint64_t steps;
    /* Since the beginning: */
    uint64_t examples, tokens, rows; /* examples seen by updates, their target tokens, rows forwarded for them */
    double seconds;                  /* informs, decides nothing */
} ken_train_state;

typedef struct ken_state_array {
    float *data; /* (n) */
    size_t n;
} ken_state_array;

/* KEN_EFAIL with the system's reason when it cannot be written; path is then what it was. */
int ken_checkpoint_write(const char *path, const ken_train_state *s, const ken_setting *settings, size_t n_settings,
                         const ken_state_array *array, int n_arrays, ken_err *err);
/* Fills s and the arrays; a finished state may hold fewer arrays than n_arrays, the first ones. KEN_EINPUT, and nothing filled, when the file
 * is cut off, changed, or of another training: a binding setting that differs is named. */
int ken_checkpoint_read(const char *path, ken_train_state *s, const ken_setting *settings, size_t n_settings,
                        const ken_state_array *array, int n_arrays, ken_err *err);

/* May the training at path, made with the settings `there`, be resumed under these (n)? KEN_EINPUT naming the first that clashes; what:
 * "the training was begun". */
int ken_training_agrees(const char *path, const char *what, const ken_setting_list *there, const ken_setting *settings,
                        size_t n, ken_err *err);

/* Removes what killed writers left in dir: files NAME.tmp-XXXXXX, six letters or digits (base/out.h). The caller is dir's only writer. */
void ken_checkpoint_sweep(const char *dir);
#endif
