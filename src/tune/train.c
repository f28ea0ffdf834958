/* train.c - the training loop: ken_train of ken.h.
 *
 * One loop over updates; between two of them the training may be measured, checkpointed, or stopped. The state is the weights, the optimizer's
 * moments and a few counters (checkpoint.h): which rows are in a batch, what dropout hides and what the learning rate is are
 * functions of the seed and the counters. An interrupted update leaves no trace, so a resumed training goes through the very same states.
 *
 * What the disk holds at any moment: train.ken with every measurement that was taken (committed before the state that counts on it),
 * state/checkpoint, and state/best, written when a measurement was the best so far and before anything says so. After a kill the
 * updates since the checkpoint are done again, with the same outcome. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "know/watch.h"
#include "store/run.h"
#include "store/tuning.h"
#include "tune/batch.h"
#include "tune/divergence.h"
#include "tune/monitor.h"
#include "tune/teacher.h"
#include "tune/train_dir.h"
#include "tune/training.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_SECONDS 120.0 /* at the end of an epoch, when so much work would be lost */
#define CHECKPOINT_MOST    600.0 /* in the middle of one */
enum {
    MAX_CERTAIN = 64
}; /* tokens of an answer that says how sure it is: 32 for the answer, as ever, and as many for that */

typedef struct job {
    ken_training t;
    ken_train_dir dir;
    ken_arena arena;
    ken_setting *settings;
    size_t n_settings;
    ken_params *params; /* NULL with lora */
    bool *trains;       /* (params->n_list) */
    ken_lora *lora;
    ken_learner *learner;
    ken_optim *optim;
    ken_state_array array[8]; /* (n_arrays) what is trained, then the moments */
    int n_arrays;
    ken_monitor *monitor;
    ken_divergence *divergence; /* of dev; NULL = there is none */
    double kl_base;             /* at the last measurement; NaN = none */
    uint64_t kl_positions;
    ken_store *store;
    ken_train_state s;
    ken_stop_best best;
    int64_t saved_step, saved_evaluated; /* what state/checkpoint holds; -1 = nothing */
    double saved_at, earlier;            /* seconds: of the last checkpoint, of the calls before */
    ken_batch_trie trie;
    const ken_tune_row **example;
    float *loss, *kl;           /* (targets of a micro-batch) */
    ken_teacher *taught;        /* the same targets, by the teacher */
    ken_teacher_cache *teacher; /* NULL = none, or not yet */
    size_t cap_example, cap_loss, cap_kl, cap_taught;
    ken_watch watch;
} job;

/* Sums of one update, added to the state once it is done. */
typedef struct sums {
    double loss[KEN_TRAIN_CLASSES], kl;
    uint64_t targets[KEN_TRAIN_CLASSES], tokens, rows;
} sums;

static double epoch_of(const job *j, int64_t step) { return (double)step / (double)j->t.per_epoch; }

/* ---- state ------------------------------------------------------------------------------------------------------------ */

static int save_checkpoint(job *j, ken_err *err)
{
    (void)ken_watch_stage(&j->watch, "saving a checkpoint", 0, 0,
                          NULL); /* takes seconds when it is large; a request to stop does not prevent it */
    j->s.seconds = j->earlier + ken_clock() - j->watch.began;
    int rc = ken_checkpoint_write(j->dir.state, &j->s, j->settings, j->n_settings, j->array,
                                  j->s.finished == 1 ? 1 : j->n_arrays, err);
    if (rc != KEN_OK && j->saved_step >= 0)
        return ken_fail_prefix(err, "step %lld: the checkpoint of step %lld is still there", (long long)j->s.step,
                               (long long)j->saved_step);
    if (rc != KEN_OK) return rc;
    j->saved_step = j->s.step;
    j->saved_evaluated = j->s.evaluated;
    j->saved_at = ken_clock();
    return KEN_OK;
}

/* The weights alone. */
static int save_weights(const job *j, const char *path, ken_err *err)
{
    ken_train_state now = j->s;
    now.finished = 1;
    return ken_checkpoint_write(path, &now, j->settings, j->n_settings, j->array, 1, err);
}

/* Loads the weights that save_weights wrote at that step. before, after: what the message about another step puts around "those of step N". */
static int load_weights(const job *j, const char *path, int64_t step, const char *before, const char *after,
                        ken_err *err)
{
    ken_train_state then;
    int rc = ken_checkpoint_read(path, &then, j->settings, j->n_settings, j->array, j->n_arrays, err);
    if (rc != KEN_OK || then.step == step) return rc;
    return ken_fail(err, KEN_EINPUT, "%s: holds the weights of step %lld; %sthose of step %lld%s", path,
                    (long long)then.step, before, (long long)step, after);
}

static bool checkpoint_is_due(const job *j)
{
    int64_t every = j->t.o->checkpoint_every;
    if (j->s.step == 0 || (j->saved_step == j->s.step && j->saved_evaluated == j->s.evaluated)) return false;
    if (every > 0) return j->s.step % every == 0;
    double waited = ken_clock() - j->saved_at;
    return waited >= CHECKPOINT_MOST || (waited >= CHECKPOINT_SECONDS && j->s.step % j->t.per_epoch == 0);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------- */

static bool measurement_is_due(const job *j)
{
    int64_t every = j->t.o->eval_every > 0 ? j->t.o->eval_every : j->t.per_epoch;
    return j->s.evaluated != j->s.step && (j->s.step % every == 0 || j->s.step == j->t.steps);
}

/* A network that only forwards: with what was trained so far, or as the model came. */
static int make_net(ken_net **net, job *j, bool trained, ken_err *err)
{
    ken_net_options o = {.threads = j->t.o->threads,
                         .isa = j->t.isa,
                         .params = trained ? j->params : NULL,
                         .lora = trained ? j->lora : NULL,
                         .poll = ken_watch_poll,
                         .ctx = &j->watch};
    return ken_net_new(net, j->t.model, &o, err);
}

/* How far from the model before training: net has the weights of now. */
static int measure_divergence(job *j, ken_net *net, ken_err *err)
{
    ken_net *base = NULL;
    int rc = ken_divergence_has_base(j->divergence) ? KEN_OK : make_net(&base, j, false, err);
    if (rc == KEN_OK)
        rc =
            ken_divergence_measure(j->divergence, base != NULL ? ken_net_forwarder(base) : NULL, ken_net_forwarder(net),
                                   j->t.o->threads, &j->watch, &j->kl_base, &j->kl_positions, err);
    ken_net_free(base);
    return rc;
}

static int ask(job *j, ken_err *err)
{
    ken_net *net = NULL;
    ken_greedy_options go = {.golds = &j->t.golds, .watch = &j->watch};
    if (j->t.golds.certainty) go.max_new = MAX_CERTAIN;
    int rc = make_net(&net, j, true, err);
    if (rc == KEN_OK)
        rc = ken_monitor_ask(j->monitor, ken_net_forwarder(net), ken_model_tokenizer(j->t.model), &go, err);
    if (rc == KEN_OK && j->divergence != NULL) rc = measure_divergence(j, net, err);
    ken_net_free(net);
    if (rc == KEN_EINPUT) return ken_fail_prefix(err, "after step %lld", (long long)j->s.step);
    return rc;
}

static ken_point point_of(const job *j)
{
    const ken_train_state *s = &j->s;
    ken_point p = {.step = s->step,
                   .epoch = epoch_of(j, s->step),
                   .lr = s->step > 0 ? ken_schedule_lr(&j->t.schedule, s->step - 1) : NAN,
                   .loss = NAN,
                   .kl = NAN,
                   .grad_norm = NAN,
                   .seconds = j->earlier + ken_clock() - j->watch.began,
                   .examples = s->examples,
                   .tokens = s->tokens,
                   .forwards = s->rows,
                   .best = s->best_step == s->step,
                   .last = true,
                   .kl_base = j->divergence != NULL ? j->kl_base : NAN,
                   .kl_positions = j->divergence != NULL ? j->kl_positions : 0};
    double loss = 0;
    uint64_t targets = 0;
    for (int c = 0; c < KEN_TRAIN_CLASSES; c++) {
        loss += s->loss[c];
        targets += s->targets[c];
    }
    if (targets > 0) p.loss = loss / (double)targets;
    if (targets > 0 && j->teacher != NULL) p.kl = s->kl / (double)targets;
    if (s->steps > 0) p.grad_norm = s->norm / (double)s->steps;
    return p;
}

/* Is the measurement m (n) the best so far? The first of equals; the model before training is none of them
 * (docs/method/fine-tuning.md#early-stop). */
static int is_better(job *j, const ken_measure *m, size_t n, bool *better, ken_err *err)
{
    ken_task_score score[KEN_STOP_TASKS];
    const int tasks = ken_stop_scores(score, m, n);
    *better = false;
    if (j->t.stop.kind == KEN_STOP_DEV) {
        const ken_measure *all = ken_measure_find(m, n, "dev", "all", "");
        const ken_task_score dev = {KEN_MAIN_TASK, all != NULL ? all->hits : 0, all != NULL ? all->n : 0};
        if (j->s.step > 0) *better = ken_stop_rule_better(&j->t.stop, &dev, 1, &j->best);
        return KEN_OK;
    }
    if (tasks < 0) return ken_fail(err, KEN_EUSAGE, "`stop_rule`: dev has rows of more than %d tasks", KEN_STOP_TASKS);
    int rc = ken_stop_rule_check(&j->t.stop, score, tasks, err);
    if (rc == KEN_OK && j->s.step > 0) *better = ken_stop_rule_better(&j->t.stop, score, tasks, &j->best);
    return rc;
}

static int note_best(job *j, const ken_measure *m, size_t n, ken_err *err)
{
    bool better;
    if (j->t.set[KEN_SET_DEV] == NULL) return KEN_OK;
    int rc = is_better(j, m, n, &better, err);
    if (rc != KEN_OK || j->s.step == 0) return rc;
    if (!better) {
        j->s.since_best++;
        return KEN_OK;
    }
    uint64_t asked;
    j->s.best_step = j->s.step;
    ken_monitor_hits(j->monitor, "dev", &j->s.best_hits, &asked);
    j->s.since_best = 0;
    return save_weights(j, j->dir.best, err);
}

/* What was the best so far, of a training that is resumed: as its measurements say, one after the other. */
static int recall_best(job *j, ken_err *err)
{
    ken_run *r = NULL;
    int64_t best = -1;
    const int64_t now = j->s.step;
    j->best = (ken_stop_best){.any = j->s.best_step >= 0, .hits = j->s.best_hits};
    if (j->t.stop.kind == KEN_STOP_DEV) return KEN_OK; /* more is not needed */
    j->best = (ken_stop_best){0};
    if (j->t.set[KEN_SET_DEV] == NULL || j->s.evaluated <= 0) return KEN_OK;
    int rc = ken_run_open(&r, j->dir.run, err);
    for (size_t i = 0; rc == KEN_OK && i < ken_run_n_points(r); i++) {
        const ken_point *p = ken_run_point(r, i);
        const ken_measure *m;
        size_t n;
        bool better;
        if (p->step == 0 || p->step > j->s.evaluated) continue;
        rc = ken_run_measures(r, p->step, &m, &n, err);
        j->s.step = p->step;
        if (rc == KEN_OK) rc = is_better(j, m, n, &better, err);
        if (rc == KEN_OK && better) best = p->step;
    }
    ken_run_free(r);
    j->s.step = now;
    if (rc == KEN_OK && best != j->s.best_step)
        return ken_fail(err, KEN_EINPUT, "%s: its best point is that of step %lld; the state says step %lld",
                        j->dir.run, (long long)best, (long long)j->s.best_step);
    return rc;
}

static void begin_sums(ken_train_state *s)
{
    memset(s->loss, 0, sizeof s->loss);
    memset(s->targets, 0, sizeof s->targets);
    s->kl = s->norm = 0;
    s->steps = 0;
}

static int measure(job *j, ken_err *err)
{
    const ken_measure *m;
    size_t n;
    const ken_train_state before = j->s;
    const ken_stop_best best = j->best;
    int rc = ken_watch_stage(&j->watch, "measuring", 0, ken_monitor_asked(j->monitor), err);
    if (rc == KEN_OK) rc = ask(j, err);
    if (rc == KEN_OK) rc = ken_monitor_measures(j->monitor, &j->s, &m, &n, err);
    if (rc == KEN_OK) rc = note_best(j, m, n, err);
    ken_point p = point_of(j);
    if (rc == KEN_OK) rc = ken_tuning_put_point(j->store, &p, err);
    if (rc == KEN_OK) rc = ken_monitor_store(j->monitor, j->store, p.step, j->s.best_step, err);
    if (rc == KEN_OK) rc = ken_tuning_mark(j->store, j->s.best_step, p.step, err);
    if (rc == KEN_OK) rc = ken_store_commit(j->store, err);
    if (rc != KEN_OK) {
        j->s = before;
        j->best = best;
        return rc;
    }
    j->s.evaluated = j->s.step;
    begin_sums(&j->s);
    if (j->t.o->point != NULL) j->t.o->point(j->t.o->ctx, &p, m, n);
    return KEN_OK;
}

/* ---- the teacher ------------------------------------------------------------------------------------------------------ */

static int64_t teacher_step(const job *j) { return j->t.teacher_epoch * j->t.per_epoch; }

static int make_teacher(job *j, ken_err *err)
{
    const ken_train_options *o = j->t.o;
    ken_net *net = NULL;
    ken_teacher_options to = {.tau = (float)o->kl_tau, .watch = &j->watch};
    int rc = ken_watch_stage(&j->watch, "asking the teacher", 0, ken_tune_set_count(j->t.set[KEN_SET_TRAIN]), err);
    if (rc == KEN_OK) rc = make_net(&net, j, j->t.teacher_epoch != 0, err);
    if (rc == KEN_OK)
        rc = ken_teacher_cache_new(&j->teacher, ken_net_forwarder(net), j->t.set[KEN_SET_TRAIN], &to, err);
    ken_net_free(net);
    return rc;
}

/* At its epoch. A later session finds its weights in state/teacher. */
static int ask_teacher_when_due(job *j, ken_err *err)
{
    if (j->teacher != NULL || j->t.teacher_epoch < 0 || j->s.step < teacher_step(j)) return KEN_OK;
    int rc = KEN_OK;
    if (j->t.teacher_epoch > 0) rc = save_weights(j, j->dir.teacher, err);
    return rc == KEN_OK ? make_teacher(j, err) : rc;
}

/* In a session that begins after the teacher's epoch: loads the teacher's weights over the student's, which are read again afterwards. */
static int restore_teacher(job *j, ken_err *err)
{
    int rc = load_weights(j, j->dir.teacher, teacher_step(j), "the teacher has ", "", err);
    return rc == KEN_OK ? make_teacher(j, err) : rc;
}

/* Resumes from state/checkpoint, or begins. */
static int resume(job *j, ken_err *err)
{
    int rc = KEN_OK;
    j->s = (ken_train_state){.evaluated = -1, .best_step = -1};
    j->saved_step = j->saved_evaluated = -1;
    if (ken_is_file(j->dir.state)) {
        rc = ken_checkpoint_read(j->dir.state, &j->s, j->settings, j->n_settings, j->array, j->n_arrays, err);
        if (rc != KEN_OK) return rc;
        if (j->t.teacher_epoch > 0 && j->s.step > teacher_step(j) && j->s.finished == 0) {
            rc = restore_teacher(j, err);
            if (rc == KEN_OK)
                rc = ken_checkpoint_read(j->dir.state, &j->s, j->settings, j->n_settings, j->array, j->n_arrays, err);
            if (rc != KEN_OK) return rc;
        }
        ken_optim_set_steps(j->optim, j->s.step);
        ken_learner_changed(j->learner);
        j->saved_step = j->s.step;
        j->saved_evaluated = j->s.evaluated;
        j->earlier = j->s.seconds;
    }
    j->saved_at = ken_clock();
    rc = ken_tuning_drop_after(j->store, j->s.evaluated, err);
    if (rc == KEN_OK) rc = ken_store_commit(j->store, err);
    if (rc == KEN_OK) rc = recall_best(j, err);
    if (rc == KEN_OK && j->saved_step < 0)
        rc = ken_monitor_store_rows(j->monitor, j->store, ken_model_tokenizer(j->t.model), err);
    return rc == KEN_OK ? ken_store_commit(j->store, err) : rc;
}

/* ---- one update ------------------------------------------------------------------------------------------------------- */

static uint64_t mask_key(uint64_t seed, int64_t step)
{
    return ken_mix64(seed * 0x9E3779B97F4A7C15u + (uint64_t)step + 1);
}

static void add_up(const job *j, const ken_tune_row *const *example, sums *a)
{
    const ken_learn_batch *b = &j->trie.batch;
    for (int32_t i = 0; i < b->n_targets; i++) {
        int c = ken_monitor_class(j->monitor, example[j->trie.example[i]]);
        a->loss[c] += j->loss[i];
        a->targets[c]++;
        if (b->teacher != NULL) a->kl += j->kl[i];
    }
    a->tokens += (uint64_t)b->n_targets;
    a->rows += (uint64_t)b->n_rows;
}

/* example, row (n): part of an update, and its place in the set. */
static int learn(job *j, const ken_tune_row *const *example, const size_t *row, size_t n, const ken_batch_options *how,
                 sums *a, ken_err *err)
{
    int rc = ken_batch_trie_build(&j->trie, example, n, how, err);
    if (rc != KEN_OK) return rc;
    size_t targets = (size_t)j->trie.batch.n_targets;
    if (ken_grow((void **)&j->loss, &j->cap_loss, targets, sizeof *j->loss) != 0 ||
        ken_grow((void **)&j->kl, &j->cap_kl, targets, sizeof *j->kl) != 0)
        return ken_fail_nomem(err, "losses");
    if (j->teacher != NULL) {
        if (ken_grow((void **)&j->taught, &j->cap_taught, targets, sizeof *j->taught) != 0)
            return ken_fail_nomem(err, "what the teacher says");
        rc = ken_teacher_cache_batch(j->teacher, &j->trie, row, n, j->taught, err);
        if (rc != KEN_OK) return rc;
        j->trie.batch.teacher = j->taught;
        j->trie.batch.kl_weight = (float)j->t.o->kl;
        j->trie.batch.tau = (float)j->t.o->kl_tau;
    }
    rc = ken_learn(j->learner, &j->trie.batch, j->loss, j->kl, err);
    if (rc == KEN_OK) add_up(j, example, a);
    return rc;
}

/* What was not a number: which update, which rows, and what is left. */
static int fail_update(const job *j, size_t n, ken_err *err)
{
    ken_buf rows = {0};
    for (size_t i = 0; i < n && i < 5; i++) ken_buf_printf(&rows, "%s%.40s", i > 0 ? ", " : "", j->example[i]->id);
    if (n > 5) ken_buf_printf(&rows, " and %zu more", n - 5);
    ken_err why = *err;
    char kept[80] = "nothing was saved yet";
    if (j->saved_step >= 0)
        snprintf(kept, sizeof kept, "the checkpoint of step %lld is kept", (long long)j->saved_step);
    int rc =
        ken_fail(err, KEN_EFAIL,
                 "step %lld (epoch %.2f), rows %s: %s; %s; a lower `lr` (it is %g) or `clip` 1 may help, in another "
                 "folder",
                 (long long)j->s.step + 1, epoch_of(j, j->s.step), ken_buf_str(&rows), why.msg, kept, j->t.o->lr);
    ken_buf_free(&rows);
    return rc;
}

static void tell_step(const job *j, const sums *a, double norm)
{
    double loss = 0;
    for (int c = 0; c < KEN_TRAIN_CLASSES; c++) loss += a->loss[c];
    const ken_train_step s = {.step = j->s.step,
                              .epoch = epoch_of(j, j->s.step),
                              .lr = ken_schedule_lr(&j->t.schedule, j->s.step - 1),
                              .loss = loss / (double)a->tokens,
                              .kl = j->teacher != NULL ? a->kl / (double)a->tokens : NAN,
                              .grad_norm = norm,
                              .examples = j->s.examples,
                              .tokens = j->s.tokens,
                              .forwards = j->s.rows};
    j->t.o->step(j->t.o->ctx, &s);
}

static int update(job *j, ken_err *err)
{
    const ken_train_options *o = j->t.o;
    const ken_tune_set *set = j->t.set[KEN_SET_TRAIN];
    const size_t *row;
    size_t n = ken_order_batch(j->t.order, j->s.step / j->t.per_epoch, (size_t)(j->s.step % j->t.per_epoch), &row);
    if (ken_grow((void **)&j->example, &j->cap_example, n, sizeof *j->example) != 0)
        return ken_fail_nomem(err, "examples");
    uint64_t targets = 0;
    for (size_t i = 0; i < n; i++) {
        j->example[i] = ken_tune_set_row(set, row[i]);
        targets += (uint64_t)(j->example[i]->n_ids - j->example[i]->n_prompt);
    }
    /* The mean over the update's target tokens, whatever it is split into (docs/method/fine-tuning.md#format); weights have mean 1 over the set. */
    ken_batch_options how = {
        .share = j->t.share, .scale = (float)(1.0 / (double)targets), .mask_key = mask_key(o->seed, j->s.step)};
    sums a = {{0}, 0, {0}, 0, 0};
    size_t at = 0, k = 0;
    int rc = KEN_OK;
    ken_learner_zero(j->learner);
    while (at < n && rc == KEN_OK) {
        rc = ken_batch_fit(&k, j->example + at, n - at, how.share, o->rows, err);
        if (rc == KEN_OK) rc = learn(j, j->example + at, row + at, k, &how, &a, err);
        at += k;
    }
    double norm = 0;
    if (rc == KEN_OK) rc = ken_optim_step(j->optim, ken_schedule_lr(&j->t.schedule, j->s.step), o->clip, &norm, err);
    if (rc == KEN_EINPUT) return fail_update(j, n, err);
    if (rc != KEN_OK) return rc;
    ken_learner_changed(j->learner);
    for (int c = 0; c < KEN_TRAIN_CLASSES; c++) {
        j->s.loss[c] += a.loss[c];
        j->s.targets[c] += a.targets[c];
    }
    j->s.kl += a.kl;
    j->s.norm += norm;
    j->s.steps++;
    j->s.step++;
    j->s.examples += n;
    j->s.tokens += a.tokens;
    j->s.rows += a.rows;
    if (o->step != NULL) tell_step(j, &a, norm);
    return KEN_OK;
}

static int loop(job *j, ken_err *err)
{
    int patience = j->t.o->patience, rc = KEN_OK;
    while (rc == KEN_OK && j->s.finished == 0) {
        if (measurement_is_due(j)) rc = measure(j, err);
        if (rc != KEN_OK) break;
        bool enough = patience > 0 && j->s.since_best >= patience;
        if (enough || j->s.step == j->t.steps) {
            j->s.finished = 1;
            rc = save_checkpoint(j, err);
            break;
        }
        if (checkpoint_is_due(j)) rc = save_checkpoint(j, err);
        if (rc == KEN_OK) rc = ask_teacher_when_due(j, err);
        if (rc == KEN_OK) rc = ken_watch_stage(&j->watch, "training", (uint64_t)j->s.step, (uint64_t)j->t.steps, err);
        if (rc == KEN_OK) rc = update(j, err);
    }
    if (rc == KEN_ESTOP && j->s.step > 0 && (j->saved_step != j->s.step || j->saved_evaluated != j->s.evaluated)) {
        ken_err second;
        int kept = save_checkpoint(j, &second);
        if (kept != KEN_OK) return ken_fail(err, kept, "%s", second.msg);
    }
    return rc;
}

/* ---- the ends --------------------------------------------------------------------------------------------------------- */

static int make_learner(job *j, ken_err *err)
{
    const ken_train_options *o = j->t.o;
    ken_training *t = &j->t;
    int rc, n_segments, n_moments;
    if (t->low_rank) {
        rc = ken_lora_new(&j->lora, ken_model_config(t->model), t->lora.rank, t->lora.alpha, t->lora.targets, err);
        if (rc != KEN_OK) return rc;
        j->lora->dropout = t->lora.dropout;
        ken_lora_init(j->lora, o->seed);
        j->array[0] = (ken_state_array){j->lora->data, j->lora->n};
    } else {
        rc = ken_params_load(&j->params, t->model, ken_threads(o->threads), err);
        if (rc != KEN_OK) return rc;
        j->trains = ken_calloc((size_t)j->params->n_list, sizeof *j->trains);
        if (j->trains == NULL) return ken_fail_nomem(err, "what is trained");
        rc = ken_freeze_mark(j->trains, j->params, &o->train, &o->freeze, err);
        if (rc != KEN_OK) return rc;
        j->array[0] = (ken_state_array){j->params->data, j->params->n};
    }
    ken_learn_options lo = {.threads = o->threads,
                            .isa = t->isa,
                            .compute = t->compute,
                            .params = j->params,
                            .trains = j->trains,
                            .lora = j->lora,
                            .dropout = (float)o->dropout,
                            .recompute = o->recompute,
                            .poll = ken_watch_poll,
                            .ctx = &j->watch};
    rc = ken_learner_new(&j->learner, t->model, &lo, err);
    if (rc != KEN_OK) return rc;
    const ken_segment *segment = ken_learner_segments(j->learner, &n_segments);
    rc = ken_optim_new(&j->optim, segment, n_segments, &t->optim, err);
    if (rc != KEN_OK) return rc;
    size_t size;
    float *const *moment = ken_optim_state(j->optim, &n_moments, &size);
    for (int i = 0; i < n_moments; i++) j->array[1 + i] = (ken_state_array){moment[i], size};
    j->n_arrays = 1 + n_moments;
    return KEN_OK;
}

static int make_monitor(job *j, ken_err *err)
{
    ken_monitor_set set[KEN_N_SETS];
    size_t asked;
    int n = 0;
    for (int i = 0; i < KEN_N_SETS; i++)
        if (j->t.set[i] != NULL)
            set[n++] =
                (ken_monitor_set){ken_set_names[i], j->t.set[i],
                                  i == KEN_SET_TRAIN ? j->t.o->fit_limit : j->t.o->eval_limit, j->t.o->eval_seed};
    int rc = ken_monitor_new(&j->monitor, set, n, ken_model_tokenizer(j->t.model), err);
    if (rc != KEN_OK || j->t.set[KEN_SET_DEV] == NULL) return rc;
    const size_t *dev = ken_monitor_rows(j->monitor, "dev", &asked);
    return ken_divergence_new(&j->divergence, j->t.set[KEN_SET_DEV], dev, asked, 0, err);
}

/* With dev: the last weights in last/, the best in the folder itself; else the last there. */
static int write_out(job *j, ken_err *err)
{
    int rc = ken_watch_stage(&j->watch, "writing", 0, 0, err);
    if (rc == KEN_OK && j->s.best_step >= 0) {
        rc = ken_training_write(&j->t, j->params, j->lora, j->dir.last, false, err);
        if (rc == KEN_OK) rc = load_weights(j, j->dir.best, j->s.best_step, "", " were the best", err);
    }
    return rc == KEN_OK ? ken_training_write(&j->t, j->params, j->lora, j->dir.path, true, err) : rc;
}

static int close_store(job *j, int rc, ken_err *err)
{
    ken_err second;
    int rc2 = ken_store_close(j->store, &second);
    j->store = NULL;
    return rc == KEN_OK && rc2 != KEN_OK ? ken_fail(err, rc2, "%s", second.msg) : rc;
}

/* Everything up to the first update; nothing is written before all that was given is known to be good. */
static int get_ready(job *j, ken_model *m, const ken_train_options *o, ken_err *err)
{
    const char *hash;
    int rc = ken_training_open(&j->t, m, o, err);
    if (rc == KEN_OK) rc = ken_watch_stage(&j->watch, "hashing the model", 0, 0, err);
    if (rc == KEN_OK) rc = ken_model_hash(m, &hash, err);
    return rc;
}

static int train(job *j, ken_err *err)
{
    int rc = ken_watch_stage(&j->watch, "unpacking the model", 0, 0, err);
    if (rc == KEN_OK) rc = make_learner(j, err);
    if (rc == KEN_OK) rc = make_monitor(j, err);
    if (rc == KEN_OK)
        rc = ken_training_settings(&j->t, ken_learner_gemm_name(j->learner), &j->arena, &j->settings, &j->n_settings,
                                   err);
    if (rc == KEN_OK) rc = ken_train_dir_make(&j->dir, err);
    if (rc == KEN_OK) rc = ken_store_open(&j->store, j->dir.run, j->settings, j->n_settings, err);
    if (rc != KEN_OK) return rc;
    ken_train_dir_sweep(&j->dir); /* the run's lock is ours */
    rc = resume(j, err);
    if (rc == KEN_OK && j->t.o->start != NULL) {
        ken_train_start start = {ken_tune_set_stats(j->t.set[KEN_SET_TRAIN]), j->t.steps, j->t.per_epoch, j->s.step,
                                 ken_buf_str(&j->t.notes)};
        j->t.o->start(j->t.o->ctx, &start);
    }
    if (rc == KEN_OK) rc = loop(j, err);
    if (rc == KEN_OK) rc = write_out(j, err);
    rc = close_store(j, rc, err);
    return rc == KEN_OK ? ken_train_dir_finish(&j->dir, j->s.step, j->s.best_step, err) : rc;
}

static void clean_up(job *j)
{
    ken_divergence_free(j->divergence);
    ken_monitor_free(j->monitor);
    ken_optim_free(j->optim);
    ken_learner_free(j->learner);
    ken_params_free(j->params);
    ken_lora_free(j->lora);
    ken_training_close(&j->t);
    ken_batch_trie_free(&j->trie);
    ken_free(j->trains);
    ken_free(j->example);
    ken_free(j->loss);
    ken_free(j->kl);
    ken_free(j->taught);
    ken_teacher_cache_free(j->teacher);
    ken_train_dir_close(&j->dir);
    ken_arena_free(&j->arena);
}

/* Nothing is computed any more, so that the matrix library does not count. */
static int compare_finished(job *j, ken_err *err)
{
    ken_run *r = NULL;
    int rc = ken_run_open(&r, j->dir.run, err);
    if (rc == KEN_OK)
        rc = ken_training_settings(&j->t, ken_run_setting(r, "gemm"), &j->arena, &j->settings, &j->n_settings, err);
    if (rc == KEN_OK)
        rc = ken_training_agrees(j->dir.path, "holds a finished training, made", &r->settings, j->settings,
                                 j->n_settings, err);
    ken_run_free(r);
    return rc;
}

int ken_train(ken_model *m, const ken_train_options *given, const char *dir, ken_err *err)
{
    ken_train_options o = ken_train_defaults();
    bool finished = false;
    ken_err own;
    if (err == NULL) err = &own; /* messages are put together from messages */
    int rc = KEN_TAKE_OPTIONS(&o, given, ken_train_options, err);
    if (rc != KEN_OK) return rc;
    job j = {.t.o = &o, .watch = {o.poll, o.progress, o.ctx, ken_clock(), {0}}};
    rc = ken_train_dir_open(&j.dir, dir, &finished, err);
    if (rc == KEN_OK) rc = get_ready(&j, m, &o, err);
    if (rc == KEN_OK && finished) {
        rc = compare_finished(&j, err);
        if (rc == KEN_OK) ken_train_dir_remove_state(&j.dir); /* a kill right after DONE */
    } else if (rc == KEN_OK) rc = train(&j, err);
    clean_up(&j);
    return rc;
}
