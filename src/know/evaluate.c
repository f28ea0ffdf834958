/* evaluate.c - `ken eval`: asks the model, and measures (docs/method/fine-tuning.md#format, #measures); ken_evaluate of ken.h.
 *
 * Questions go through the greedy walk (greedy.c), multiple choice through the letters (choice.c), texts through perplexity.c; all three use
 * the network that annotation uses. What is hard is only to count right: tally.c does that, for training too. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "data/identity.h"
#include "know/choice.h"
#include "know/evaluation.h"
#include "know/greedy.h"
#include "know/perplexity.h"
#include "know/certainty.h"
#include "know/tally.h"
#include "know/watch.h"
#include "store/tuning.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHOICE_SHOTS = 5, SETS = 10 };

typedef struct job {
    const ken_evaluate_options *o;
    ken_model *model;
    const ken_data *data;
    ken_evaluation *e;
    bool choice;                                 /* the data are multiple choice */
    ken_setup setup;                             /* rules and style */
    ken_gold_rules golds[1 + KEN_MORE_MATCHERS]; /* (n_golds) the first decides */
    int n_golds;
    ken_exemplar_sets *exemplars;
    const size_t *rows; /* (n_rows) indices into data */
    size_t n_rows;
    ken_net *net;
    int32_t slots;
    int32_t *ids; /* of the question being started */
    size_t cap_ids;
    uint64_t forwards;
    ken_watch watch;
} job;

void ken_evaluate_defaults_fill(ken_evaluate_options *o, size_t size)
{
    static const ken_evaluate_options defaults = {.shots = -1, .max_new = 32, .texts = true, .compute = "f32"};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

/* ---- options -------------------------------------------------------------------------------------------------------- */

static int parse_matchers(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    const char *const usual[] = {ken_em_squad.name};
    const ken_names list = o->matchers.n > 0 ? o->matchers : (ken_names){usual, 1};
    for (int k = 0; k < list.n; k++) {
        if (j->n_golds == 1 + KEN_MORE_MATCHERS)
            return ken_fail(err, KEN_EUSAGE, "`matchers`: %d were given, at most %d are possible", list.n,
                            1 + KEN_MORE_MATCHERS);
        ken_gold_rules *g = &j->golds[j->n_golds++];
        int rc = ken_gold_rules_new(g, list.name[k], j->setup.rules.stop, o->idk, o->n_idk, err);
        if (rc != KEN_OK) return rc;
        g->certainty = o->certainty;
        for (int i = 0; i < j->n_golds - 1; i++)
            if (strcmp(j->golds[i].matcher.name, g->matcher.name) == 0)
                return ken_fail(err, KEN_EUSAGE, "`matchers`: %s is given twice", g->matcher.name);
        if (j->n_golds == 1) continue;
        /* its name lives as long as the evaluation */
        const char *own = ken_arena_strndup(&j->e->arena, g->matcher.name, strlen(g->matcher.name));
        if (own == NULL) return ken_fail_nomem(err, "matchers");
        j->e->more[j->e->n_more++] = own;
    }
    return ken_gold_rules_need_aliases(j->golds, j->n_golds, j->data != NULL && ken_data_has_aliases(j->data), err);
}

/* The checks and rules of an annotation hold here too: with one prompt, and a softmax at temperature 1 for the letters, where nothing
 * is sampled. */
static int check_options(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    if (j->data == NULL && o->n_text_files == 0)
        return ken_fail(err, KEN_EUSAGE, "nothing to evaluate: name data or a text");
    j->choice = j->data != NULL && ken_data_count(j->data) > 0 && ken_data_get(j->data, 0)->n_choices > 0;
    ken_annotate_options a = ken_annotate_defaults();
    a.shots = o->shots >= 0 ? o->shots : j->choice ? CHOICE_SHOTS : 0;
    a.prompts = 1;
    a.temperature = 1.0;
    a.max_new = o->max_new;
    a.exemplar_seed = o->exemplar_seed;
    a.stop = o->stop;
    a.chat_template = o->chat_template;
    a.prompt_template = o->prompt_template;
    a.isa = o->isa;
    a.compute = o->compute;
    int rc = ken_settings_check(&j->setup, &a, j->model, NULL, err);
    if (rc == KEN_OK && a.shots == 0)
        rc = ken_zero_shot_style(&j->setup.style, o->prompt_template, o->chat_template, j->setup.rules.tokenizer, err);
    return rc == KEN_OK ? parse_matchers(j, err) : rc;
}

static int choose_rows(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    const ken_exemplar_options x = {.n_sets = SETS,
                                    .shots = j->setup.shots,
                                    .seed = o->exemplar_seed,
                                    .exemplars = o->exemplars,
                                    .fallback = o->fallback,
                                    .splits = o->splits,
                                    .relations = o->relations,
                                    .per_relation = o->per_relation,
                                    .limit = o->limit,
                                    .sample = o->sample,
                                    .sample_seed = o->seed};
    int rc = ken_exemplar_sets_new(&j->exemplars, j->data, &x, err);
    if (rc == KEN_OK) j->n_rows = ken_exemplar_sets_rows(j->exemplars, &j->rows);
    return rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int copy(job *j, const char **out, const char *s, ken_err *err)
{
    *out = NULL;
    if (s == NULL) return KEN_OK;
    *out = ken_arena_strndup(&j->e->arena, s, strlen(s));
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "rows");
}

/* The category that the annotation gave to x. */
static int find_label(job *j, const ken_example *x, int *category, ken_err *err)
{
    *category = KEN_N_CATEGORIES;
    if (j->o->labels == NULL) return KEN_OK;
    bool there;
    int found;
    const char *question, *subject;
    int rc = ken_run_label(j->o->labels, x->id, &there, &found, &question, &subject, err);
    if (rc != KEN_OK || !there) return rc;
    if (!ken_asks_same(question, subject, x->question, x->subject))
        return ken_fail(err, KEN_EINPUT, "`labels`: row %s asks another question in the run; it is of other data",
                        x->id);
    *category = found;
    return KEN_OK;
}

static int make_rows(job *j, ken_err *err)
{
    ken_evaluation *e = j->e;
    e->labelled = j->o->labels != NULL;
    e->row = ken_calloc(j->n_rows, sizeof *e->row);
    if (e->row == NULL) return ken_fail_nomem(err, "rows");
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_rows && rc == KEN_OK; i++) {
        const ken_example *x = ken_data_get(j->data, j->rows[i]);
        ken_evaluated *r = &e->row[i];
        *r = (ken_evaluated){.set = j->choice ? "mmlu" : "eval", .popularity = x->popularity, .finish = "", .p = NAN};
        rc = copy(j, &r->id, x->id, err);
        if (rc == KEN_OK) rc = copy(j, &r->relation, x->relation, err);
        if (rc == KEN_OK) rc = copy(j, &r->split, x->split, err);
        if (rc == KEN_OK) rc = copy(j, &r->question, x->question, err);
        if (rc == KEN_OK) rc = copy(j, &r->answer, x->n_choices > 0 ? x->choices[x->choice] : x->answers[0], err);
        if (rc == KEN_OK) rc = find_label(j, x, &r->category, err);
        if (rc == KEN_OK) e->n_rows++;
    }
    return rc;
}

/* ---- questions ------------------------------------------------------------------------------------------------------ */

static int encode(job *j, size_t row, size_t *n, ken_err *err)
{
    const ken_example *shots[KEN_MAX_SHOTS], *x = ken_data_get(j->data, row);
    const ken_exemplars *ex = j->setup.shots > 0 ? ken_exemplar_sets_row(j->exemplars, row) : NULL;
    if (j->setup.shots == 0)
        return ken_zero_shot_encode(&j->setup.style, j->setup.rules.tokenizer, x, &j->ids, n, &j->cap_ids, err);
    if (ex == NULL) return ken_fail(err, KEN_ESTATE, "relation %s has no exemplars", x->relation);
    int n_shots = ken_exemplars_get(ex, 0, shots);
    return ken_prompt_encode(&j->setup.style, j->setup.rules.tokenizer, shots, n_shots, x, &j->ids, n, &j->cap_ids,
                             err);
}

static int question(void *ctx, size_t i, ken_greedy_item *item, ken_err *err)
{
    job *j = ctx;
    size_t n = 0;
    const ken_example *x = ken_data_get(j->data, j->rows[i]);
    int rc = encode(j, j->rows[i], &n, err);
    if (rc == KEN_OK && n == 0) rc = ken_fail(err, KEN_EINPUT, "an empty prompt (is the template empty?)");
    if (rc != KEN_OK) ken_fail_prefix(err, "row %s", x->id);
    *item = (ken_greedy_item){j->ids, (int32_t)n, x->answers, x->n_answers, x->aliases, x->n_aliases};
    return rc;
}

/* Verdicts of the further matchers, from the text. */
static int score_more(const job *j, const ken_example *x, const char *text, uint32_t *more, ken_err *err)
{
    int rc = KEN_OK;
    for (int k = 1; k < j->n_golds && rc == KEN_OK; k++) {
        ken_golds g;
        rc = ken_golds_new(&g, &j->golds[k], x->answers, x->n_answers, x->aliases, x->n_aliases, err);
        if (rc == KEN_OK && ken_accept_matches(g.accept, text, strlen(text))) *more |= 1u << (k - 1);
        ken_golds_free(&g);
    }
    return rc;
}

static int take_answers(job *j, const ken_greedy_answer *answer, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_rows && rc == KEN_OK; i++) {
        const ken_greedy_answer *g = &answer[i];
        ken_evaluated *r = &j->e->row[i];
        r->hit = g->hit;
        r->hit_raw = g->hit_raw;
        r->abstained = g->abstained;
        r->too_long = g->too_long;
        r->finish = g->finish; /* static */
        rc = copy(j, &r->text, g->text, err);
        if (rc == KEN_OK && g->text != NULL)
            rc = score_more(j, ken_data_get(j->data, j->rows[i]), g->text, &r->more, err);
    }
    return rc;
}

static int ask_questions(job *j, ken_err *err)
{
    ken_greedy_answer *answer = ken_calloc(j->n_rows, sizeof *answer);
    int rc = answer == NULL ? ken_fail_nomem(err, "questions") : ken_watch_stage(&j->watch, "asking", 0, 0, err);
    ken_greedy_options o = {.item = question,
                            .golds = &j->golds[0],
                            .max_new = j->setup.rules.max_new,
                            .complete = j->o->texts || j->n_golds > 1,
                            .slots = j->slots,
                            .ctx = j,
                            .watch = &j->watch};
    if (rc == KEN_OK)
        rc = ken_greedy(ken_net_forwarder(j->net), j->setup.rules.tokenizer, NULL, j->n_rows, &o, answer, &j->forwards,
                        err);
    if (rc == KEN_OK) rc = take_answers(j, answer, err);
    if (answer != NULL) ken_greedy_free(answer, j->n_rows);
    ken_free(answer);
    return rc;
}

/* What is said most often: after fine-tuning one answer may swallow the others (docs/method/fine-tuning.md#concentration). */
static int find_commonest(job *j, ken_err *err)
{
    ken_strmap *index = ken_strmap_new(1024);
    uint64_t *count = ken_calloc(j->e->n_rows, sizeof *count);
    const char **distinct = ken_calloc(j->e->n_rows, sizeof *distinct);
    ken_arena arena = {0};
    size_t n = 0, best = 0;
    int rc = index == NULL || count == NULL || distinct == NULL ? ken_fail_nomem(err, "answers") : KEN_OK;
    for (size_t i = 0; i < j->e->n_rows && rc == KEN_OK; i++) {
        const char *text = j->e->row[i].text;
        if (text == NULL) continue;
        size_t length = strlen(text);
        if (j->o->certainty) (void)ken_certainty_of(text, length, &length);
        char *words = ken_normalize(text, length);
        char *key = words != NULL ? ken_arena_strndup(&arena, words, strlen(words)) : NULL;
        ken_free(words);
        int32_t at = key != NULL ? ken_strmap_get(index, key, strlen(key), -1) : -1;
        if (key != NULL && at < 0) {
            at = (int32_t)n;
            distinct[n++] = key;
            if (ken_strmap_add(index, key, strlen(key), at) < 0) key = NULL;
        }
        if (key == NULL) rc = ken_fail_nomem(err, "answers");
        else count[at]++;
    }
    for (size_t i = 1; i < n; i++)
        if (count[i] > count[best]) best = i; /* of equally common ones the first in data order */
    if (rc == KEN_OK && n > 0) {
        ken_setting_text(&j->e->settings, "commonest_answer", true, distinct[best]);
        ken_setting_put(&j->e->settings, "commonest_count", true, "%llu", (unsigned long long)count[best]);
    }
    ken_strmap_free(index);
    ken_free(count);
    ken_free(distinct);
    ken_arena_free(&arena);
    return rc;
}

/* ---- multiple choice ------------------------------------------------------------------------------------------------ */

typedef struct choices {
    job *j;
    ken_engine *engine;
    size_t n_done;
} choices;

static int start_choice(void *ctx, size_t at, ken_question **q, ken_err *err)
{
    const choices *c = ctx;
    const ken_choice_from from = ken_choice_exemplars(c->j->exemplars, c->j->data, c->j->o->exemplars, c->j->rows[at]);
    const ken_example *x = ken_data_get(c->j->data, c->j->rows[at]);
    ken_choice *choice;
    int rc = ken_choice_new(&choice, c->engine, &c->j->setup, &from, x, err);
    if (rc != KEN_OK) ken_fail_prefix(err, "row %s", x->id);
    else *q = ken_choice_question(choice);
    return rc;
}

static int take_choice(void *ctx, size_t at, ken_question *q, ken_err *err)
{
    choices *c = ctx;
    const ken_example *x = ken_data_get(c->j->data, c->j->rows[at]);
    ken_evaluated *r = &c->j->e->row[at];
    double margin;
    int taken;
    int rc = ken_choice_result(ken_choice_of_question(q), &r->hit, &r->p, &margin, &taken, err);
    ken_question_free(q);
    if (rc != KEN_OK) {
        ken_fail_prefix(err, "row %s", x->id);
        return rc;
    }
    r->hit_raw = r->hit;
    ken_watch_done(&c->j->watch, ++c->n_done, c->j->n_rows);
    return copy(c->j, &r->text, x->choices[taken], err);
}

static int between(void *ctx, ken_err *err)
{
    const choices *c = ctx;
    return ken_watch_check(&c->j->watch, err);
}

static int ask_choices(job *j, ken_err *err)
{
    choices c = {.j = j};
    ken_engine_options eo = {.slots = j->slots};
    int rc = ken_watch_stage(&j->watch, "asking", 0, 0, err);
    if (rc == KEN_OK) rc = ken_engine_new(&c.engine, ken_net_forwarder(j->net), &eo, err);
    const ken_asking a = {.engine = c.engine,
                          .n = j->n_rows,
                          .start = start_choice,
                          .result = take_choice,
                          .between = between,
                          .ctx = &c};
    if (rc == KEN_OK) rc = ken_ask_all(&a, err);
    if (c.engine != NULL) j->forwards += ken_engine_get_stats(c.engine).positions;
    ken_engine_free(c.engine);
    return rc;
}

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static int read_texts(job *j, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < j->o->n_text_files && rc == KEN_OK; i++) {
        const char *path = j->o->text_files[i];
        const char *set = ken_arena_printf(&j->e->arena, "text:%s", ken_file_name(path));
        if (set == NULL) return ken_fail_nomem(err, "texts");
        for (size_t k = 0; k < j->e->n_measures; k++)
            if (strcmp(j->e->measure[k].set, set) == 0)
                return ken_fail(err, KEN_EUSAGE, "`text` %s: another text has the same name", path);
        rc = ken_watch_stage(&j->watch, "reading", 0, 0, err);
        ken_text_options o = {.window = j->o->window, .stride = j->o->stride, .watch = &j->watch};
        ken_text_loss loss;
        if (rc == KEN_OK)
            rc = ken_text_perplexity(ken_net_forwarder(j->net), j->setup.rules.tokenizer, path, &o, &loss, &j->forwards,
                                     err);
        if (rc != KEN_OK) break;
        ken_measure m = {.set = set,
                         .grouping = ken_tally_grouping[KEN_TALLY_ALL],
                         .key = "",
                         .loss = loss.nll,
                         .tokens = loss.tokens,
                         .bytes = loss.bytes,
                         .p = NAN};
        rc = ken_evaluation_add(j->e, &m, err);
    }
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int make_net(job *j, ken_err *err)
{
    ken_net_options n = {.threads = j->o->threads, .isa = j->setup.isa, .poll = ken_watch_poll, .ctx = &j->watch};
    if (j->o->memory > 0) {
        size_t slots = j->o->memory / ken_kv_slot_bytes(ken_model_config(j->model));
        j->slots = slots > INT32_MAX ? INT32_MAX : slots == 0 ? 1 : (int32_t)slots;
    }
    return ken_net_new(&j->net, j->model, &n, err);
}

static int write_data_settings(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    ken_setting_list *l = &j->e->settings;
    char hash[65];
    int rc = ken_data_hash(j->data, hash, err);
    if (rc == KEN_OK && o->exemplars != NULL) {
        char other[65];
        rc = ken_data_hash(o->exemplars, other, err);
        if (rc == KEN_OK) ken_setting_text(l, "exemplars_hash", true, other);
    }
    if (rc != KEN_OK) return rc;
    ken_setting_text(l, "data", true, ken_data_name(j->data));
    ken_setting_text(l, "data_format", true, ken_data_format(j->data));
    ken_setting_text(l, "data_hash", true, hash);
    if (j->o->certainty) ken_setting_text(l, "certainty", true, "yes");
    ken_setting_text(l, "prompt", true, j->setup.shots > 0 ? "few-shot" : "zero-shot");
    ken_setting_text(l, "template", true, j->choice ? NULL : j->setup.style.template_text);
    ken_setting_text(l, "chat_template", true, ken_chat_name(j->setup.style.chat));
    ken_setting_text(l, "stop", true, j->choice ? NULL : j->setup.rules.stop);
    if (!j->choice) ken_gold_rules_settings(&j->golds[0], ken_aliases_hash(j->data), l);
    if (!j->choice && o->matchers.n > 0) ken_setting_names(l, "matchers", true, &o->matchers);
    else if (!j->choice) ken_setting_text(l, "matchers", true, ken_em_squad.name);
    if (o->splits.n > 0) ken_setting_names(l, "splits", true, &o->splits);
    if (o->relations.n > 0) ken_setting_names(l, "relations", true, &o->relations);
    ken_setting_text(l, "labels_model_hash", true, o->labels != NULL ? ken_run_setting(o->labels, "model_hash") : NULL);
    ken_setting_put(l, "shots", true, "%d", j->setup.shots);
    ken_setting_put(l, "max_new", true, "%d", (int)j->setup.rules.max_new);
    ken_setting_put(l, "exemplar_seed", true, "%llu", (unsigned long long)o->exemplar_seed);
    ken_setting_put(l, "limit", true, "%zu", o->limit);
    ken_setting_put(l, "sample", true, "%zu", o->sample);
    if (o->sample > 0) ken_setting_put(l, "seed", true, "%llu", (unsigned long long)o->seed);
    ken_setting_put(l, "per_relation", true, "%zu", o->per_relation);
    return KEN_OK;
}

/* What it was, and what it cost. */
static int write_settings(job *j, ken_err *err)
{
    const char *hash;
    ken_setting_list *l = &j->e->settings;
    int rc = ken_model_hash(j->model, &hash, err);
    if (rc != KEN_OK) return rc;
    ken_setting_text(l, KEN_SETTING_KIND, true, KEN_KIND_EVAL);
    ken_settings_model(l, j->model, "f32", j->setup.isa, ken_net_gemm_name(j->net));
    if (j->data != NULL) rc = write_data_settings(j, err);
    ken_setting_put(l, "token_forwards", true, "%llu", (unsigned long long)j->forwards);
    ken_setting_put(l, "seconds", true, "%.3f", ken_clock() - j->watch.began);
    return rc == KEN_OK && l->failed ? ken_fail_nomem(err, "settings") : rc;
}

static int measure_rows(job *j, ken_err *err)
{
    const ken_tally_options o = {.more = j->e->more,
                                 .n_more = j->choice ? 0 : j->e->n_more,
                                 .categories = j->e->labelled,
                                 .certainty = j->o->certainty && !j->choice};
    ken_measure *m;
    size_t n;
    int rc = ken_tally(j->e->row, j->e->n_rows, &o, &j->e->arena, &m, &n, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = ken_evaluation_add(j->e, &m[i], err);
    if (rc == KEN_OK && !j->choice) rc = find_commonest(j, err);
    return rc;
}

int ken_evaluate(ken_evaluation **out, ken_model *m, const ken_data *d, const ken_evaluate_options *given, ken_err *err)
{
    *out = NULL;
    ken_evaluate_options own = ken_evaluate_defaults();
    const ken_evaluate_options *o = &own;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_evaluate_options, err);
    if (rc != KEN_OK) return rc;
    ken_evaluation *e = ken_calloc(1, sizeof *e);
    if (e == NULL) return ken_fail_nomem(err, "evaluation");
    job j = {.o = o, .model = m, .data = d, .e = e, .watch = {o->poll, o->progress, o->ctx, ken_clock(), {0}}};
    rc = check_options(&j, err);
    if (rc == KEN_OK && d != NULL) rc = choose_rows(&j, err);
    if (rc == KEN_OK && d != NULL) rc = make_rows(&j, err);
    e->settings.arena = &e->arena;
    if (rc == KEN_OK) rc = ken_watch_stage(&j.watch, "unpacking the model", 0, 0, err);
    if (rc == KEN_OK) rc = make_net(&j, err);
    if (rc == KEN_OK && d != NULL) rc = j.choice ? ask_choices(&j, err) : ask_questions(&j, err);
    if (rc == KEN_OK && d != NULL) rc = measure_rows(&j, err);
    if (rc == KEN_OK) rc = read_texts(&j, err);
    if (rc == KEN_OK) rc = ken_watch_stage(&j.watch, "hashing the model", 0, 0, err);
    if (rc == KEN_OK) rc = write_settings(&j, err);
    ken_evaluation_sort(e);
    ken_exemplar_sets_free(j.exemplars);
    ken_net_free(j.net);
    ken_free(j.ids);
    for (int i = 0; i < j.n_golds; i++) ken_gold_rules_free(&j.golds[i]);
    ken_settings_free(&j.setup);
    if (rc == KEN_OK) *out = e;
    else ken_evaluation_free(e);
    return rc;
}
