/* train_dir.h - the folder of a training: which file is where, whether it may be used, and its end.
 *
 *     DIR/train.ken          the run; its lock keeps a second program out
 *     DIR/state/checkpoint   while it lasts: the state, and the best weights so far
 *     DIR/state/best
 *     DIR/state/teacher      the weights that a teacher has, when they are those of an earlier epoch
 *     DIR/last/              the last weights, when DIR has the best
 *     DIR/DONE               last of all */
#ifndef KEN_TUNE_TRAIN_DIR_H
#define KEN_TUNE_TRAIN_DIR_H
#include "store/store.h"

typedef struct ken_train_dir {
    char *path, *run, *state_dir, *state, *best, *teacher, *last, *done;
} ken_train_dir;

/* May the folder be used, as far as can be told without the settings? Makes and changes nothing. KEN_EINPUT when it is a file, holds
 * something else, or a state without its run; KEN_EBUSY when another program trains there. */
int ken_train_dir_open(ken_train_dir *d, const char *path, bool *finished, ken_err *err);
void ken_train_dir_close(ken_train_dir *d);
int ken_train_dir_make(ken_train_dir *d, ken_err *err); /* the folder and state/ */
/* Removes what killed writers left. The caller holds the run. */
void ken_train_dir_sweep(const ken_train_dir *d);
/* Writes DONE, then removes the state. */
int ken_train_dir_finish(ken_train_dir *d, int64_t steps, int64_t best_step, ken_err *err);
void ken_train_dir_remove_state(ken_train_dir *d);
#endif
