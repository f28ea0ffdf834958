/* training.c - options checked, rows opened; see training.h. */
#include "tune/watched.h"
#include "base/alloc.h"
#include "base/options.h"
#include <string.h>

const char *const ken_set_names[KEN_N_SETS] = {"train", "dev", "test", "ood"};

void ken_train_defaults_fill(ken_train_options *o, size_t size)
{
    static const ken_train_options defaults = {.epochs = 50,
                                               .batch = 128,
                                               .warmup_steps = -1,
                                               .warmup_share = 0.03,
                                               .lr = 1e-5,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-8,
                                               .momentum = 0.9,
                                               .clip = 1,
                                               .dropout = 0.05,
                                               .kl_tau = 0.5,
                                               .kl_teacher = 1,
                                               .compute = "f32",
                                               .rows = 4096,
                                               .matcher = "em-squad",
                                               .save_type = "F32"};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

/* ---- options ---------------------------------------------------------------------------------------------------------- */

static int check_numbers(const ken_train_options *o, ken_err *err)
{
    const struct {
        const char *name;
        double v, lo, hi;
    } all[] = {
        {"epochs", o->epochs, 1, 1e6},
        {"batch", (double)o->batch, 1, 1e7},
        {"max-steps", (double)o->max_steps, 0, 1e12},
        {"dropout", o->dropout, 0, 0.999},
        {"beta1", o->beta1, 0, 0.9999999},
        {"beta2", o->beta2, 0, 0.9999999999},
        {"epsilon", o->epsilon, 1e-300, 1},
        {"momentum", o->momentum, 0, 0.9999999},
        {"weight-decay", o->weight_decay, 0, 1e3},
        {"clip", o->clip, 0, 1e30},
        {"kl", o->kl, 0, 1e6},
        {"kl-tau", o->kl_tau, 1e-3, 1e3},
        {"rows", o->rows, 1, 1 << 24},
        {"eval-every", (double)o->eval_every, 0, 1e12},
        {"checkpoint-every", (double)o->checkpoint_every, 0, 1e12},
        {"patience", o->patience, 0, 1e9},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(all[i].v >= all[i].lo && all[i].v <= all[i].hi))
            return ken_fail(err, KEN_EUSAGE, "--%s %g is out of range: %g to %g", all[i].name, all[i].v, all[i].lo,
                            all[i].hi);
    return KEN_OK;
}

static int check_optimizer(ken_training *t, const ken_train_options *o, ken_err *err)
{
    t->optim.kind = o->optimizer == KEN_OPTIMIZER_SGD ? KEN_SGD : KEN_ADAMW;
    t->optim.beta1 = o->beta1;
    t->optim.beta2 = o->beta2;
    t->optim.eps = o->epsilon;
    t->optim.momentum = o->momentum;
    t->optim.weight_decay = o->weight_decay;
    t->optim.threads = o->threads;
    return ken_check_word(KEN_WORDS_OPTIMIZER, o->optimizer, err);
}

static int check_teacher(ken_training *t, const ken_train_options *o, ken_err *err)
{
    t->teacher_epoch = o->kl == 0 ? -1 : o->kl_teacher;
    if (o->kl_teacher >= 0) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "`kl_teacher` %d is no number of epochs, 0 for the model before training",
                    o->kl_teacher);
}

/* With dropout a shared row has one mask for all its examples; docs/method/fine-tuning.md#dropout has one for each. */
static int check_share(ken_training *t, const ken_train_options *o, ken_err *err)
{
    const bool drops = o->dropout > 0 || (t->low_rank && t->lora.dropout > 0);
    t->share = o->share_prefixes == KEN_SHARE_ON || (o->share_prefixes == KEN_SHARE_AUTO && !drops);
    return ken_check_word(KEN_WORDS_SHARE_PREFIXES, o->share_prefixes, err);
}

static int check_types(ken_training *t, const ken_train_options *o, ken_err *err)
{
    const ken_dtype_info *d = ken_dtype_by_name(o->save_type);
    if (d == NULL || (d->type != KEN_F32 && d->type != KEN_F16 && d->type != KEN_BF16))
        return ken_fail(err, KEN_EUSAGE, "unknown `save_type` \"%s\"; known: F32, BF16, F16", o->save_type);
    t->save_type = d->type;
    if (o->n_gguf > (int)(sizeof t->gguf / sizeof *t->gguf))
        return ken_fail(err, KEN_EUSAGE, "`gguf`: at most %zu types", sizeof t->gguf / sizeof *t->gguf);
    for (t->n_gguf = 0; t->n_gguf < o->n_gguf; t->n_gguf++) {
        const char *name = o->gguf[t->n_gguf];
        d = ken_dtype_by_name(name);
        if (d == NULL || (d->type != KEN_F32 && d->type != KEN_F16 && d->type != KEN_BF16 && d->type != KEN_Q8_0))
            return ken_fail(err, KEN_EUSAGE, "unknown `gguf` \"%s\"; known: F32, BF16, F16, Q8_0", name);
        t->gguf[t->n_gguf] = d->type;
    }
    return KEN_OK;
}

static int check_what(ken_training *t, const ken_train_options *o, ken_err *err)
{
    t->low_rank = o->lora.rank != 0;
    if (t->low_rank && (ken_parts_named(&o->train) || ken_parts_named(&o->freeze)))
        return ken_fail(err, KEN_EUSAGE,
                        "`lora` leaves all the model's own weights as they are: `train` and `freeze` "
                        "have no meaning with it; name the projections among its targets");
    return t->low_rank ? ken_lora_resolve(&t->lora, &o->lora, err) : KEN_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------- */

static int open_sets(ken_training *t, ken_err *err)
{
    int rc = ken_watched_plan(t, err);
    for (int i = 0; i < KEN_N_SETS && rc == KEN_OK; i++)
        if (t->from[i].path != NULL) rc = ken_tune_set_open(&t->set[i], t->model, &t->from[i], err);
    return rc == KEN_OK ? ken_watched_compare(t, err) : rc;
}

/* The tasks of the dev rows, before anything is computed. */
static int check_stop_rule(const ken_training *t, ken_err *err)
{
    ken_task_score score[KEN_STOP_TASKS];
    int n = 0;
    if (t->stop.kind == KEN_STOP_DEV) return KEN_OK;
    for (size_t i = 0; t->set[KEN_SET_DEV] != NULL && i < ken_tune_set_count(t->set[KEN_SET_DEV]); i++) {
        const char *task = ken_tune_set_row(t->set[KEN_SET_DEV], i)->task;
        if (task[0] == '\0') task = KEN_MAIN_TASK;
        int k = 0;
        while (k < n && strcmp(score[k].task, task) != 0) k++;
        if (k < n) continue;
        if (n == KEN_STOP_TASKS)
            return ken_fail(err, KEN_EUSAGE, "`stop_rule`: dev has rows of more than %d tasks", KEN_STOP_TASKS);
        score[n++] = (ken_task_score){task, 0, 1};
    }
    return ken_stop_rule_check(&t->stop, score, n, err);
}

/* Declining is also what the training teaches to say. */
static int check_golds(ken_training *t, const ken_train_options *o, ken_err *err)
{
    const char **phrase = ken_alloc((size_t)t->data.n_idk + 1, sizeof *phrase);
    int n = 0;
    if (phrase == NULL) return ken_fail_nomem(err, "phrases");
    for (int i = 0; i < t->data.n_idk; i++) phrase[n++] = t->data.idk[i];
    if (o->idk != NULL) phrase[n++] = o->idk;
    int rc = ken_gold_rules_new(&t->golds, o->matcher, "\n", phrase, n, err);
    ken_free(phrase);
    return rc == KEN_OK ? ken_gold_rules_need_aliases(&t->golds, 1, t->data.read->aliases != NULL, err) : rc;
}

static int plan_steps(ken_training *t, const ken_train_options *o, ken_err *err)
{
    ken_order_options order = {.batch = o->batch, .seed = o->seed, .tail = ken_tune_set_tail(t->set[KEN_SET_TRAIN])};
    order.part = ken_tune_set_parts(t->set[KEN_SET_TRAIN], &order.n_parts);
    int rc = ken_order_new(&t->order, &order, err);
    if (rc != KEN_OK) return rc;
    t->per_epoch = (int64_t)ken_order_batches(t->order);
    if (t->per_epoch == 0) return ken_fail(err, KEN_EINPUT, "%s: no row is left to train on", t->data.path);
    t->steps = t->per_epoch * o->epochs;
    if (o->max_steps > 0 && t->steps > o->max_steps) t->steps = o->max_steps;
    if (t->teacher_epoch > 0 && t->teacher_epoch * t->per_epoch >= t->steps)
        return ken_fail(err, KEN_EUSAGE, "`kl_teacher` %d comes after the end of the training", o->kl_teacher);
    return ken_schedule_set(&t->schedule, o, t->steps, err);
}

int ken_training_open(ken_training *t, ken_model *m, const ken_train_options *given, ken_err *err)
{
    *t = (ken_training){.own = ken_train_defaults(), .model = m};
    t->o = &t->own;
    const ken_train_options *o = t->o;
    ken_schedule s;
    int rc = KEN_TAKE_OPTIONS(&t->own, given, ken_train_options, err);
    if (rc == KEN_OK) rc = ken_train_data_take(&t->data, &t->read, o->data, err);
    if (rc == KEN_OK) rc = check_numbers(o, err);
    if (rc == KEN_OK) rc = check_optimizer(t, o, err);
    if (rc == KEN_OK) rc = ken_schedule_set(&s, o, 1, err);
    if (rc == KEN_OK) rc = check_teacher(t, o, err);
    if (rc == KEN_OK) rc = ken_stop_rule_parse(&t->stop, o->stop_rule, err);
    if (rc == KEN_OK) rc = check_types(t, o, err);
    if (rc == KEN_OK) rc = check_what(t, o, err);
    if (rc == KEN_OK) rc = check_share(t, o, err);
    if (rc == KEN_OK) rc = ken_isa_parse(&t->isa, o->isa, err);
    if (rc == KEN_OK) rc = ken_compute_parse(&t->compute, o->compute, err);
    if (rc == KEN_OK && t->data.path == NULL)
        rc = ken_fail(err, KEN_EUSAGE, "nothing to train on; name a set or a run");
    if (rc == KEN_OK) rc = check_golds(t, o, err);
    if (rc == KEN_OK) rc = open_sets(t, err);
    if (rc == KEN_OK) rc = check_stop_rule(t, err);
    if (rc == KEN_OK) t->golds.certainty = ken_tune_set_certainty(t->set[KEN_SET_TRAIN]);
    if (rc == KEN_OK) rc = plan_steps(t, o, err);
    return rc;
}

void ken_training_close(ken_training *t)
{
    ken_order_free(t->order);
    ken_gold_rules_free(&t->golds);
    for (int i = 0; i < KEN_N_SETS; i++) ken_tune_set_free(t->set[i]);
    ken_arena_free(&t->arena);
    ken_buf_free(&t->notes);
    *t = (ken_training){0};
}
