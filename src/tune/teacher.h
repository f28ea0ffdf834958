/* teacher.h - a teacher model's distribution at every target of a set, stored as its likeliest tokens: the fixed side of self-distillation
 * (Kaplan et al. 2026, arXiv 2604.15574; docs/method/fine-tuning.md#distillation).
 *
 *     ken_teacher_cache *c;
 *     ken_teacher_cache_new(&c, f, set, &options, &err);               f: the starting model, or an earlier checkpoint
 *     ken_teacher_cache_batch(c, &trie, rows, teacher, &err);          for each batch: ken_learn_batch.teacher
 *
 * L = CE + lambda KL(softmax(z_teacher / tau) || softmax(z_student / tau)), at targets alone. Of the teacher's softmax over the whole
 * vocabulary the top_k largest probabilities are kept; what is missing to 1 is the rest's. */
#ifndef KEN_TUNE_TEACHER_H
#define KEN_TUNE_TEACHER_H
#include "know/watch.h"
#include "tune/batch.h"

typedef struct ken_teacher_options {
    int32_t top_k;     /* 0 = 64 */
    float tau;         /* 0 = 0.5 */
    size_t memory;     /* bytes that the cache may take; 0 = half of what the machine has */
    int32_t wave_rows; /* positions to forward at once; 0 = 1024. Never changes a bit */
    ken_watch *watch;  /* counts rows of the set; or NULL. f asks its own poll */
} ken_teacher_options;

typedef struct ken_teacher_cache ken_teacher_cache;

/* Borrows f and set during the call only. KEN_EUSAGE when the cache would take more than `memory`, saying how much; KEN_EINPUT
 * when a logit is not finite. */
int ken_teacher_cache_new(ken_teacher_cache **out, ken_forwarder *f, const ken_tune_set *set,
                          const ken_teacher_options *o, ken_err *err);
void ken_teacher_cache_free(ken_teacher_cache *c);

/* At a target of a row of the set, 0 <= target < n_ids - n_prompt. Borrowed; ids are those of the largest probabilities, best first. */
ken_teacher ken_teacher_cache_get(const ken_teacher_cache *c, size_t row, int32_t target);
/* The same for a batch: row (examples of the trie) says which row of the set each example is. out (t->batch.n_targets). */
int ken_teacher_cache_batch(ken_teacher_cache *c, const ken_batch_trie *t, const size_t *row, size_t n,
                            ken_teacher *out, ken_err *err);
size_t ken_teacher_cache_bytes(const ken_teacher_cache *c);
#endif
