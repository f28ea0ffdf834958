/* train_settings.c - the settings of a training's run (docs/architecture.md#identity). Binding is whatever could change a bit of the outcome
 * or of what is measured; where files were and how long it took is not. */
#include "tune/training.h"
#include "base/buf.h"
#include "know/settings.h"
#include "store/tuning.h"
#include <stdio.h>
#include <string.h>

/* Raised when the same rows and settings train other weights. */
#define KEN_TRAINING_VERSION "1"

typedef ken_setting_list list;

static void text(list *l, const char *key, bool binding, const char *value)
{
    ken_setting_text(l, key, binding, value != NULL ? value : "");
}

static void real(list *l, const char *key, double v) { ken_setting_put(l, key, true, "%.17g", v); }
static void integer(list *l, const char *key, int64_t v) { ken_setting_put(l, key, true, "%lld", (long long)v); }
static void yes_or_no(list *l, const char *key, bool v) { text(l, key, true, v ? "yes" : "no"); }

/* What was put into b, which is empty afterwards. */
static void words(list *l, const char *key, ken_buf *b)
{
    text(l, key, true, ken_buf_str(b));
    l->failed |= b->failed;
    ken_buf_clear(b);
}

static void add_sets(list *l, const ken_training *t)
{
    static const char *const hash[KEN_N_SETS] = {"data_hash", "dev_hash", "test_hash", "ood_hash"};
    static const char *const path[KEN_N_SETS] = {"data", "dev", "test", "ood"};
    for (int i = 0; i < KEN_N_SETS; i++) {
        text(l, path[i], false, t->set[i] != NULL ? t->from[i].path : "");
        text(l, hash[i], true, t->set[i] != NULL ? ken_tune_set_hash(t->set[i]) : "");
    }
    if (t->notes.len > 0) text(l, "notes", false, ken_buf_str(&t->notes));
    ken_setting_put(l, KEN_SETTING_ROWS, false, "%zu", ken_tune_set_count(t->set[KEN_SET_TRAIN]));
}

static void add_options(list *l, const ken_training *t)
{
    const ken_train_options *o = t->o;
    char gguf[64] = "";
    ken_buf phrases = {0};
    for (int i = 0; i < t->n_gguf; i++) {
        size_t used = strlen(gguf);
        snprintf(gguf + used, sizeof gguf - used, "%s%s", i > 0 ? "," : "", ken_dtype_get((int)t->gguf[i])->name);
    }
    ken_buf what = {0};
    if (t->low_rank) ken_lora_text(&what, &t->lora);
    words(l, "lora", &what);
    ken_parts_text(&what, &o->train);
    words(l, "train", &what);
    ken_parts_text(&what, &o->freeze);
    words(l, "freeze", &what);
    ken_buf_free(&what);
    integer(l, "epochs", o->epochs);
    integer(l, "max_steps", o->max_steps);
    integer(l, "batch", (int64_t)o->batch);
    text(l, "optimizer", true, ken_word(KEN_WORDS_OPTIMIZER, o->optimizer));
    real(l, "lr", o->lr);
    text(l, "schedule", true, ken_word(KEN_WORDS_SCHEDULE, o->schedule));
    integer(l, "warmup_steps", t->schedule.warmup);
    real(l, "beta1", o->beta1);
    real(l, "beta2", o->beta2);
    real(l, "epsilon", o->epsilon);
    real(l, "momentum", o->momentum);
    real(l, "weight_decay", o->weight_decay);
    real(l, "clip", o->clip);
    real(l, "dropout", o->dropout);
    real(l, "kl", o->kl);
    real(l, "kl_tau", o->kl_tau);
    if (o->kl > 0 && o->kl_teacher > 0) ken_setting_put(l, "kl_teacher", true, "epoch:%d", o->kl_teacher);
    else text(l, "kl_teacher", true, o->kl > 0 ? "base" : "");
    yes_or_no(l, "share_prefixes", t->share);
    yes_or_no(l, "recompute", o->recompute);
    integer(l, "micro_batch_rows", o->rows);
    integer(l, "eval_every", o->eval_every);
    integer(l, "fit_limit", (int64_t)o->fit_limit);
    integer(l, "eval_limit", (int64_t)o->eval_limit);
    if (o->fit_limit > 0 || o->eval_limit > 0)
        ken_setting_put(l, "eval_seed", true, "%llu", (unsigned long long)o->eval_seed);
    integer(l, "patience", o->patience);
    if (t->golds.certainty) text(l, "certainty", true, "yes");
    if (t->stop.kind != KEN_STOP_DEV) text(l, "stop_rule", true, o->stop_rule);
    ken_gold_rules_settings(&t->golds, NULL, l); /* other names are in the hashes of the rows */
    text(l, "idk", true, o->idk);
    /* The rows bind what was drawn; here what is taken for declining beside it. One phrase is in its rows. */
    for (int i = 0; i < t->data.n_idk && t->data.n_idk > 1; i++)
        ken_buf_printf(&phrases, "%s%s", i > 0 ? "\n" : "", t->data.idk[i]);
    if (phrases.len > 0) text(l, "idk_targets", true, phrases.data);
    l->failed |= phrases.failed;
    ken_buf_free(&phrases);
    text(l, "template", true, t->data.prompt_template);
    yes_or_no(l, "chat_template", t->data.chat_template);
    text(l, "save_type", true, o->save_type);
    text(l, "gguf", true, gguf);
    ken_setting_put(l, "seed", true, "%llu", (unsigned long long)o->seed);
}

int ken_training_settings(const ken_training *t, const char *gemm, ken_arena *arena, ken_setting **out, size_t *n,
                          ken_err *err)
{
    const char *hash;
    int rc = ken_model_hash(t->model, &hash, err);
    if (rc != KEN_OK) return rc;
    list l = {.arena = arena};
    text(&l, KEN_SETTING_KIND, true, KEN_KIND_TRAIN);
    ken_settings_model(&l, t->model, t->o->compute, t->isa, gemm);
    text(&l, "training_version", true, KEN_TRAINING_VERSION);
    add_sets(&l, t);
    add_options(&l, t);
    if (l.failed) return ken_fail_nomem(err, "settings");
    *out = l.s;
    *n = l.n;
    return KEN_OK;
}
