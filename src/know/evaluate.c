/* evaluate.c - `ken eval`: asks the model, and measures (spec/finetuning.md 1 and 4); ken_evaluate of ken.h.
 *
 * Questions go through the greedy walk (greedy.c), multiple choice through the letters (choice.c), texts through perplexity.c; all three use
 * the network that annotation uses. What is hard is only to count right: tally.c does that, for training too. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "know/abstain.h"
#include "know/choice.h"
#include "know/evaluation.h"
#include "know/greedy.h"
#include "know/perplexity.h"
#include "know/tally.h"
#include "store/tuning.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CHOICE_SHOTS = 5, SETS = 10, MOST_PHRASES = 256 };
#define CACHE_SHARE 0.9 /* as in annotate.c */

typedef struct job {
    const ken_evaluate_options *o;
    ken_model *model;
    const ken_data *data;
    ken_evaluation *e;
    bool choice;          /* the data are multiple choice */
    ken_plan_of_run plan; /* rules and style */
    ken_matcher matcher[1 + KEN_MORE_MATCHERS];
    int n_matchers;
    const char *phrase[MOST_PHRASES];
    int n_phrases;
    ken_exemplar_plan *exemplars;
    const size_t *rows; /* (n_rows) indices into data */
    size_t n_rows;
    ken_net *net;
    int32_t slots;
    uint64_t forwards;
    double began;
    ken_progress progress;
} job;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int poll_and_report(void *ctx)
{
    job *j = ctx;
    j->progress.seconds = now() - j->began;
    if (j->o->progress != NULL) j->o->progress(j->o->ctx, &j->progress);
    return j->o->poll != NULL && j->o->poll(j->o->ctx);
}

static void count_done(void *ctx, size_t done, size_t total)
{
    job *j = ctx;
    j->progress.done = done;
    j->progress.total = total;
}

static int stage(job *j, const char *name, ken_err *err)
{
    j->progress = (ken_progress){.stage = name};
    return poll_and_report(j) ? ken_fail(err, KEN_ESTOP, "stopped") : KEN_OK;
}

ken_evaluate_options ken_evaluate_defaults(void)
{
    return (ken_evaluate_options){.shots = -1, .max_new = 32, .matchers = "em-squad", .texts = true, .compute = "f32"};
}

/* ---- options -------------------------------------------------------------------------------------------------------- */

static int parse_matchers(job *j, ken_err *err)
{
    const char *list = j->o->matchers != NULL ? j->o->matchers : "em-squad";
    for (const char *p = list; p != NULL;) {
        size_t n = strcspn(p, ",");
        char name[64];
        if (j->n_matchers == 1 + KEN_MORE_MATCHERS)
            return ken_fail(err, KEN_EUSAGE, "--matcher \"%s\": at most %d matchers", list, 1 + KEN_MORE_MATCHERS);
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, p);
        int rc = ken_matcher_parse(&j->matcher[j->n_matchers], name, err);
        if (rc != KEN_OK) return rc;
        for (int i = 0; i < j->n_matchers; i++)
            if (strcmp(j->matcher[i].name, j->matcher[j->n_matchers].name) == 0)
                return ken_fail(err, KEN_EUSAGE, "--matcher \"%s\": %s is there twice", list, j->matcher[i].name);
        if (j->n_matchers > 0) j->e->more[j->e->n_more++] = j->matcher[j->n_matchers].name;
        j->n_matchers++;
        p = p[n] == ',' ? p + n + 1 : NULL;
    }
    /* Names live as long as the evaluation. */
    for (int i = 0; i < j->e->n_more; i++) {
        j->e->more[i] = ken_arena_strndup(&j->e->arena, j->e->more[i], strlen(j->e->more[i]));
        if (j->e->more[i] == NULL) return ken_fail_nomem(err, "matchers");
    }
    return KEN_OK;
}

static int list_phrases(job *j, ken_err *err)
{
    int n;
    const char *const *usual = ken_abstentions(&n);
    if (n + j->o->n_idk > MOST_PHRASES) return ken_fail(err, KEN_EUSAGE, "--idk: at most %d phrases", MOST_PHRASES - n);
    for (int i = 0; i < n; i++) j->phrase[j->n_phrases++] = usual[i];
    for (int i = 0; i < j->o->n_idk; i++) {
        if (j->o->idk[i][0] == '\0') return ken_fail(err, KEN_EUSAGE, "--idk: the phrase is empty");
        j->phrase[j->n_phrases++] = j->o->idk[i];
    }
    return KEN_OK;
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
    a.matcher = "em-squad";
    a.exemplar_seed = o->exemplar_seed;
    a.stop = o->stop;
    a.chat_template = o->chat_template;
    a.prompt_template = o->prompt_template;
    a.isa = o->isa;
    a.compute = o->compute;
    int rc = ken_settings_check(&j->plan, &a, j->model, err);
    if (rc == KEN_OK && a.shots == 0)
        rc = ken_zero_shot_style(&j->plan.style, o->prompt_template, o->chat_template, j->plan.rules.tokenizer, err);
    if (rc == KEN_OK) rc = parse_matchers(j, err);
    return rc == KEN_OK ? list_phrases(j, err) : rc;
}

static int choose_rows(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    const ken_exemplar_options x = {.n_sets = SETS,
                                    .shots = j->plan.shots,
                                    .seed = o->exemplar_seed,
                                    .exemplars = o->exemplars,
                                    .splits = o->splits,
                                    .relations = o->relations,
                                    .per_relation = o->per_relation,
                                    .limit = o->limit};
    int rc = ken_exemplar_plan_new(&j->exemplars, j->data, &x, err);
    if (rc == KEN_OK) j->n_rows = ken_exemplar_plan_rows(j->exemplars, &j->rows);
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
    const char *question;
    int rc = ken_run_label(j->o->labels, x->id, &there, &found, &question, err);
    if (rc != KEN_OK || !there) return rc;
    if (strcmp(question, x->question) != 0)
        return ken_fail(err, KEN_EINPUT, "--labels: row %s asks another question in the run; it is of other data",
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

typedef struct asked { /* token ids and accepted answers of all questions, one behind the other */
    int32_t *ids;
    size_t n_ids, cap_ids;
    size_t *first;       /* (rows + 1) */
    const char **answer; /* em-alias: golds and aliases */
    size_t n_answers, cap_answers;
    size_t *first_answer;   /* (rows + 1) */
    ken_greedy_item *item;  /* (rows) */
    ken_greedy_answer *out; /* (rows) */
} asked;

/* What a matcher accepts for x: the golds, and with em-alias their other names. */
static int add_answers(asked *a, const ken_data *d, const ken_example *x, bool alias, ken_err *err)
{
    for (int i = 0; i < x->n_answers; i++) {
        int n = 0;
        const char *const *more = alias ? ken_aliases_for(d, x->answers[i], &n) : NULL;
        if (ken_grow((void **)&a->answer, &a->cap_answers, a->n_answers + 1 + (size_t)n, sizeof *a->answer) != 0)
            return ken_fail_nomem(err, "answers");
        a->answer[a->n_answers++] = x->answers[i];
        for (int k = 0; k < n; k++) a->answer[a->n_answers++] = more[k];
    }
    return KEN_OK;
}

static int encode(job *j, const ken_example *x, int32_t **ids, size_t *n, size_t *cap, ken_err *err)
{
    const ken_example *shots[64];
    const ken_exemplars *ex = j->plan.shots > 0 ? ken_exemplar_plan_for(j->exemplars, x->relation) : NULL;
    if (j->plan.shots == 0) return ken_zero_shot_encode(&j->plan.style, j->plan.rules.tokenizer, x, ids, n, cap, err);
    if (ex == NULL) return ken_fail(err, KEN_ESTATE, "relation %s has no exemplars", x->relation);
    for (int k = 0; k < ex->shots; k++) shots[k] = ken_data_get(ex->from, ex->rows[k]); /* the first set */
    return ken_prompt_encode(&j->plan.style, j->plan.rules.tokenizer, shots, ex->shots, x, ids, n, cap, err);
}

static int prepare(job *j, asked *a, ken_err *err)
{
    size_t n = j->n_rows, len = 0, cap = 0;
    int32_t *ids = NULL;
    a->first = ken_alloc(n + 1, sizeof *a->first);
    a->first_answer = ken_alloc(n + 1, sizeof *a->first_answer);
    a->item = ken_calloc(n, sizeof *a->item);
    a->out = ken_calloc(n, sizeof *a->out);
    int rc = a->first == NULL || a->first_answer == NULL || a->item == NULL || a->out == NULL
                 ? ken_fail_nomem(err, "questions")
                 : KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_example *x = ken_data_get(j->data, j->rows[i]);
        rc = encode(j, x, &ids, &len, &cap, err);
        if (rc == KEN_OK && len == 0) rc = ken_fail(err, KEN_EINPUT, "an empty prompt (a template of nothing?)");
        if (rc == KEN_OK && ken_grow((void **)&a->ids, &a->cap_ids, a->n_ids + len, sizeof *a->ids) != 0)
            rc = ken_fail_nomem(err, "questions");
        a->first_answer[i] = a->n_answers;
        if (rc == KEN_OK) rc = add_answers(a, j->data, x, j->matcher[0].kind->uses_aliases, err);
        if (rc != KEN_OK) {
            ken_fail_prefix(err, "row %s", x->id);
            break;
        }
        a->first[i] = a->n_ids;
        memcpy(a->ids + a->n_ids, ids, len * sizeof *ids);
        a->n_ids += len;
    }
    ken_free(ids);
    if (rc != KEN_OK) return rc;
    a->first[n] = a->n_ids;
    a->first_answer[n] = a->n_answers;
    for (size_t i = 0; i < n; i++)
        a->item[i] = (ken_greedy_item){.prompt = a->ids + a->first[i],
                                       .n_prompt = (int32_t)(a->first[i + 1] - a->first[i]),
                                       .answers = a->answer + a->first_answer[i],
                                       .n_answers = (int)(a->first_answer[i + 1] - a->first_answer[i])};
    return KEN_OK;
}

/* Verdicts of the further matchers, from the text. */
static int score_more(job *j, asked *a, const ken_example *x, const char *text, uint32_t *more, ken_err *err)
{
    int rc = KEN_OK;
    for (int k = 1; k < j->n_matchers && rc == KEN_OK; k++) {
        ken_accept *accept = NULL;
        a->n_answers = 0;
        rc = add_answers(a, j->data, x, j->matcher[k].kind->uses_aliases, err);
        if (rc == KEN_OK) rc = ken_accept_new(&accept, &j->matcher[k], a->answer, (int)a->n_answers, err);
        if (rc == KEN_OK && ken_accept_matches(accept, text, strlen(text))) *more |= 1u << (k - 1);
        ken_accept_free(accept);
    }
    return rc;
}

static int take_answers(job *j, asked *a, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_rows && rc == KEN_OK; i++) {
        const ken_greedy_answer *g = &a->out[i];
        ken_evaluated *r = &j->e->row[i];
        r->hit = g->hit;
        r->hit_raw = g->hit_raw;
        r->abstained = g->abstained;
        r->too_long = g->too_long;
        r->finish = g->finish; /* static */
        rc = copy(j, &r->text, g->text, err);
        if (rc == KEN_OK && g->text != NULL)
            rc = score_more(j, a, ken_data_get(j->data, j->rows[i]), g->text, &r->more, err);
    }
    return rc;
}

static int ask_questions(job *j, ken_err *err)
{
    asked a = {0};
    int rc = stage(j, "asking", err);
    if (rc == KEN_OK) rc = prepare(j, &a, err);
    ken_greedy_options o = {.matcher = j->matcher[0].name,
                            .idk = j->phrase,
                            .n_idk = j->n_phrases,
                            .max_new = j->plan.rules.max_new,
                            .stop = j->plan.rules.stop,
                            .complete = j->o->texts || j->n_matchers > 1,
                            .slots = j->slots,
                            .poll = poll_and_report,
                            .done = count_done,
                            .ctx = j};
    if (rc == KEN_OK) rc = ken_greedy(j->net, j->plan.rules.tokenizer, a.item, j->n_rows, &o, a.out, &j->forwards, err);
    if (rc == KEN_OK) rc = take_answers(j, &a, err);
    if (a.out != NULL) ken_greedy_free(a.out, j->n_rows);
    void *all[] = {a.ids, a.first, a.answer, a.first_answer, a.item, a.out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    return rc;
}

/* What is said most often: after fine-tuning one answer may swallow the others (spec/finetuning.md 9, knowledge packing). */
static int find_commonest(job *j, ken_err *err)
{
    ken_strmap *index = ken_strmap_new(1024);
    uint64_t *count = ken_calloc(j->e->n_rows, sizeof *count);
    const char **said = ken_calloc(j->e->n_rows, sizeof *said);
    ken_arena arena = {0};
    size_t n = 0, best = 0;
    int rc = index == NULL || count == NULL || said == NULL ? ken_fail_nomem(err, "answers") : KEN_OK;
    for (size_t i = 0; i < j->e->n_rows && rc == KEN_OK; i++) {
        const char *text = j->e->row[i].text;
        if (text == NULL) continue;
        char *words = ken_normalize(text, strlen(text));
        char *key = words != NULL ? ken_arena_strndup(&arena, words, strlen(words)) : NULL;
        ken_free(words);
        int32_t at = key != NULL ? ken_strmap_get(index, key, strlen(key), -1) : -1;
        if (key != NULL && at < 0) {
            at = (int32_t)n;
            said[n++] = key;
            if (ken_strmap_add(index, key, strlen(key), at) < 0) key = NULL;
        }
        if (key == NULL) rc = ken_fail_nomem(err, "answers");
        else count[at]++;
    }
    for (size_t i = 1; i < n; i++)
        if (count[i] > count[best]) best = i; /* of equally common ones the first in data order */
    if (rc == KEN_OK && n > 0) rc = ken_evaluation_set(j->e, "commonest_answer", said[best], err);
    if (rc == KEN_OK && n > 0)
        rc = ken_evaluation_setf(j->e, err, "commonest_count", "%llu", (unsigned long long)count[best]);
    ken_strmap_free(index);
    ken_free(count);
    ken_free(said);
    ken_arena_free(&arena);
    return rc;
}

/* ---- multiple choice ------------------------------------------------------------------------------------------------ */

typedef struct opened {
    ken_choice *choice;
    size_t at;
    int32_t rows;
} opened;

static int take_choice(job *j, const opened *c, ken_err *err)
{
    const ken_example *x = ken_data_get(j->data, j->rows[c->at]);
    ken_evaluated *r = &j->e->row[c->at];
    double margin;
    int taken;
    int rc = ken_choice_result(c->choice, &r->hit, &r->p, &margin, &taken, err);
    if (rc != KEN_OK) {
        ken_fail_prefix(err, "row %s", x->id);
        return rc;
    }
    r->hit_raw = r->hit;
    return copy(j, &r->text, x->choices[taken], err);
}

static int ask_choices(job *j, ken_err *err)
{
    const ken_data *from = j->o->exemplars != NULL ? j->o->exemplars : j->data;
    ken_engine *engine = NULL;
    ken_engine_options eo = {.slots = j->slots};
    opened *open = NULL;
    size_t n_open = 0, cap = 0, next = 0, done = 0;
    double cached = 0.0;
    int rc = stage(j, "asking", err);
    if (rc == KEN_OK) rc = ken_engine_new(&engine, j->net, &eo, err);
    while (rc == KEN_OK && done < j->n_rows) {
        while (rc == KEN_OK && next < j->n_rows && ken_engine_backlog(engine) < ken_engine_wave_rows(engine) &&
               (n_open == 0 || cached < CACHE_SHARE * ken_engine_slots(engine))) {
            const ken_example *x = ken_data_get(j->data, j->rows[next]);
            int32_t before = ken_engine_backlog(engine);
            if (ken_grow((void **)&open, &cap, n_open + 1, sizeof *open) != 0) rc = ken_fail_nomem(err, "rows");
            else rc = ken_choice_new(&open[n_open].choice, engine, &j->plan, from, j->o->exemplars != NULL, x, err);
            if (rc != KEN_OK) {
                ken_fail_prefix(err, "row %s", x->id);
                break;
            }
            open[n_open].rows = ken_engine_backlog(engine) - before;
            cached += open[n_open].rows;
            open[n_open++].at = next++;
        }
        if (rc == KEN_OK) rc = ken_engine_wave(engine, err);
        size_t keep = 0;
        for (size_t i = 0; i < n_open; i++) {
            if (rc == KEN_OK && ken_choice_waiting(open[i].choice) == 0) {
                rc = take_choice(j, &open[i], err);
                ken_choice_free(open[i].choice);
                cached -= open[i].rows;
                done++;
            } else open[keep++] = open[i];
        }
        n_open = keep;
        count_done(j, done, j->n_rows);
        if (rc == KEN_OK && poll_and_report(j)) rc = ken_fail(err, KEN_ESTOP, "stopped");
    }
    for (size_t i = 0; i < n_open; i++) ken_choice_free(open[i].choice);
    if (engine != NULL) j->forwards += ken_engine_get_stats(engine).rows;
    ken_engine_free(engine);
    ken_free(open);
    return rc;
}

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static int read_texts(job *j, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < j->o->n_text_files && rc == KEN_OK; i++) {
        const char *path = j->o->text_files[i], *slash = strrchr(path, '/');
        const char *name = slash != NULL ? slash + 1 : path;
        size_t n = strlen(name) + sizeof "text:";
        char *set = ken_arena_alloc(&j->e->arena, n, 1);
        if (set == NULL) return ken_fail_nomem(err, "texts");
        snprintf(set, n, "text:%s", name);
        for (size_t k = 0; k < j->e->n_measures; k++)
            if (strcmp(j->e->measure[k].set, set) == 0)
                return ken_fail(err, KEN_EUSAGE, "--text %s: another text has the same name", path);
        rc = stage(j, "reading", err);
        ken_text_options o = {
            .window = j->o->window, .stride = j->o->stride, .poll = poll_and_report, .done = count_done, .ctx = j};
        ken_text_loss loss;
        if (rc == KEN_OK) rc = ken_text_perplexity(j->net, j->plan.rules.tokenizer, path, &o, &loss, &j->forwards, err);
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
    ken_net_options n = {.threads = j->o->threads, .isa = j->plan.isa, .poll = poll_and_report, .ctx = j};
    if (j->o->memory > 0) {
        size_t slots = j->o->memory / ken_kv_slot_bytes(ken_model_config(j->model));
        j->slots = slots > INT32_MAX ? INT32_MAX : slots == 0 ? 1 : (int32_t)slots;
    }
    return ken_net_new(&j->net, j->model, &n, err);
}

static int write_model_settings(job *j, ken_err *err)
{
    const char *hash;
    int rc = ken_model_hash(j->model, &hash, err);
    const ken_model_info *info = ken_model_get_info(j->model);
    const struct {
        const char *key, *value;
    } s[] = {{"adapter", info->adapter != NULL ? info->adapter_hash : NULL},
             {"adapter_path", info->adapter},
             {"model_hash", rc == KEN_OK ? hash : NULL},
             {"tokenizer_hash", info->tokenizer_hash},
             {"model", info->name},
             {"model_path", info->path},
             {"architecture", info->architecture},
             {"weight_type", info->weight_type},
             {"compute", "f32"},
             {"isa", ken_isa_name(j->plan.isa)},
             {"gemm", ken_net_gemm_name(j->net)},
             {"version", KEN_VERSION}};
    for (size_t i = 0; i < sizeof s / sizeof *s && rc == KEN_OK; i++)
        if (s[i].value != NULL) rc = ken_evaluation_set(j->e, s[i].key, s[i].value, err);
    return rc == KEN_OK ? ken_evaluation_setf(j->e, err, "n_params", "%llu", (unsigned long long)info->n_params) : rc;
}

static int write_data_settings(job *j, ken_err *err)
{
    const ken_evaluate_options *o = j->o;
    ken_evaluation *e = j->e;
    char hash[65];
    int rc = ken_settings_data_hash(j->data, hash, err);
    if (rc == KEN_OK && o->exemplars != NULL) {
        char other[65];
        rc = ken_settings_data_hash(o->exemplars, other, err);
        if (rc == KEN_OK) rc = ken_evaluation_set(e, "exemplars_hash", other, err);
    }
    const char *labelled_by = o->labels != NULL ? ken_run_setting(o->labels, "model_hash") : NULL;
    const struct {
        const char *key, *value;
    } s[] = {{"data", ken_data_name(j->data)},
             {"data_format", ken_data_format(j->data)},
             {"data_hash", rc == KEN_OK ? hash : NULL},
             {"prompt", j->plan.shots > 0 ? "few-shot" : "zero-shot"},
             {"template", j->choice ? NULL : j->plan.style.template_text},
             {"chat_template", ken_chat_name(j->plan.style.chat)},
             {"stop", j->choice ? NULL : j->plan.rules.stop},
             {"matcher", j->choice ? NULL : j->matcher[0].name},
             {"matchers", j->choice ? NULL : o->matchers},
             {"splits", o->splits},
             {"relations", o->relations},
             {"labels_model_hash", labelled_by}};
    for (size_t i = 0; i < sizeof s / sizeof *s && rc == KEN_OK; i++)
        if (s[i].value != NULL) rc = ken_evaluation_set(e, s[i].key, s[i].value, err);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "shots", "%d", j->plan.shots);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "max_new", "%d", (int)j->plan.rules.max_new);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "exemplar_seed", "%llu", (unsigned long long)o->exemplar_seed);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "limit", "%zu", o->limit);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "per_relation", "%zu", o->per_relation);
    return rc;
}

static int measure_rows(job *j, ken_err *err)
{
    const ken_tally_options o = {
        .more = j->e->more, .n_more = j->choice ? 0 : j->e->n_more, .categories = j->e->labelled};
    ken_measure *m;
    size_t n;
    int rc = ken_tally(j->e->row, j->e->n_rows, &o, &j->e->arena, &m, &n, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = ken_evaluation_add(j->e, &m[i], err);
    if (rc == KEN_OK && !j->choice) rc = find_commonest(j, err);
    return rc;
}

int ken_evaluate(ken_evaluation **out, ken_model *m, const ken_data *d, const ken_evaluate_options *o, ken_err *err)
{
    *out = NULL;
    ken_evaluation *e = ken_calloc(1, sizeof *e);
    if (e == NULL) return ken_fail_nomem(err, "evaluation");
    job j = {.o = o, .model = m, .data = d, .e = e, .began = now()};
    int rc = check_options(&j, err);
    if (rc == KEN_OK && d != NULL) rc = choose_rows(&j, err);
    if (rc == KEN_OK && d != NULL) rc = make_rows(&j, err);
    if (rc == KEN_OK) rc = ken_evaluation_set(e, KEN_SETTING_KIND, KEN_KIND_EVAL, err);
    if (rc == KEN_OK) rc = stage(&j, "unpacking the model", err);
    if (rc == KEN_OK) rc = make_net(&j, err);
    if (rc == KEN_OK && d != NULL) rc = j.choice ? ask_choices(&j, err) : ask_questions(&j, err);
    if (rc == KEN_OK && d != NULL) rc = measure_rows(&j, err);
    if (rc == KEN_OK) rc = read_texts(&j, err);
    if (rc == KEN_OK) rc = stage(&j, "hashing the model", err);
    if (rc == KEN_OK) rc = write_model_settings(&j, err);
    if (rc == KEN_OK && d != NULL) rc = write_data_settings(&j, err);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "token_forwards", "%llu", (unsigned long long)j.forwards);
    if (rc == KEN_OK) rc = ken_evaluation_setf(e, err, "seconds", "%.3f", now() - j.began);
    ken_evaluation_sort(e);
    ken_exemplar_plan_free(j.exemplars);
    ken_net_free(j.net);
    if (rc == KEN_OK) *out = e;
    else ken_evaluation_free(e);
    return rc;
}
