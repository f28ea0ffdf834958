/* world_run.c - a synthetic world from its options to a pretrained model: ken_world_run of ken.h.
 *
 * Everything on the disk is a function of the options, and each file appears whole, so that after an interruption what is there is taken as it is.
 * The pretraining is a training like any other (tune/train.c), with its checkpoints and its resuming; the model's first weights are drawn. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "lab/world_files.h"
#include "model/make.h"
#include "model/model.h"
#include "store/run.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { VERSION = 1, CONTEXT = 512 };
enum { MOST_EPOCHS = 1000, MOST_BATCH = 65536 };

static const ken_world_options defaults = {.size = sizeof defaults,
                                           .subjects = 1000,
                                           .relations = 5,
                                           .answers = 20,
                                           .alpha = 1.0,
                                           .sentences = 200000,
                                           .floor = true,
                                           .paraphrases = KEN_WORLD_PHRASES,
                                           .per_document = 5,
                                           .asked_repeats = 4,
                                           .layers = 4,
                                           .width = 128,
                                           .heads = 4,
                                           .inner = 384,
                                           .epochs = 1,
                                           .batch = 64,
                                           .lr = 3e-3,
                                           .weight_decay = 0.01,
                                           .seed = 1};

void ken_world_defaults_fill(ken_world_options *o, size_t size)
{
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

typedef struct job {
    ken_world_options o;
    ken_config shape;
    ken_world *world;
    ken_vocabulary words;
    const char *dir;
    char *settings, *corpus, *init, *model, *done; /* paths */
} job;

/* ---- options -------------------------------------------------------------------------------------------------------------- */

static int check(job *j, ken_err *err)
{
    const ken_world_options *o = &j->o;
    int rc = ken_world_check(o, err);
    if (rc != KEN_OK) return rc;
    if (o->heads < 1 || o->width % o->heads != 0)
        return ken_fail(err, KEN_EUSAGE, "`width` %d is no multiple of `heads` %d", o->width, o->heads);
    j->shape = (ken_config){.arch = "llama",
                            .n_layer = o->layers,
                            .n_embd = o->width,
                            .n_head = o->heads,
                            .n_kv = o->heads,
                            .d_head = o->width / o->heads,
                            .n_ff = o->inner,
                            .n_ctx = CONTEXT,
                            .norm_eps = 1e-5F,
                            .rope_theta = 10000.0,
                            .tied = true};
    rc = ken_make_check(&j->shape, err);
    if (rc == KEN_OK && (o->epochs < 1 || o->epochs > MOST_EPOCHS))
        rc = ken_fail(err, KEN_EUSAGE, "`epochs` %d is not from 1 to %d", o->epochs, MOST_EPOCHS);
    if (rc == KEN_OK && (o->batch < 1 || o->batch > MOST_BATCH))
        rc = ken_fail(err, KEN_EUSAGE, "`batch` %zu is not from 1 to %d", o->batch, MOST_BATCH);
    if (rc == KEN_OK && !(o->lr > 0 && o->lr <= 1))
        rc = ken_fail(err, KEN_EUSAGE, "`lr` %g is not above 0 and at most 1", o->lr);
    if (rc == KEN_OK && !(o->weight_decay >= 0 && o->weight_decay <= 1))
        rc = ken_fail(err, KEN_EUSAGE, "`weight_decay` %g is not from 0 to 1", o->weight_decay);
    return rc;
}

static const char *truth(bool b) { return b ? "true" : "false"; }

/* Everything that decides what is made, one key a line. */
static void put_settings(ken_buf *b, const job *j)
{
    const ken_world_options *o = &j->o;
    const struct {
        const char *key;
        long long value;
    } whole[] = {{"world", VERSION},
                 {"seed", (long long)o->seed},
                 {"subjects", o->subjects},
                 {"relations", o->relations},
                 {"answers", o->answers},
                 {"wide_answers", o->wide_answers},
                 {"sentences", o->sentences},
                 {"paraphrases", o->paraphrases},
                 {"per_document", o->per_document},
                 {"asked_repeats", o->asked_repeats},
                 {"unasked_relations", o->unasked_relations},
                 {"layers", o->layers},
                 {"width", o->width},
                 {"heads", o->heads},
                 {"inner", o->inner},
                 {"epochs", o->epochs},
                 {"batch", (long long)o->batch}};
    ken_buf_puts(b, "{\n");
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        ken_buf_printf(b, "  \"%s\": %lld,\n", whole[i].key, whole[i].value);
    ken_buf_printf(b, "  \"alpha\": %.17g,\n  \"asked\": %.17g,\n  \"lr\": %.17g,\n  \"weight_decay\": %.17g,\n",
                   o->alpha, o->asked, o->lr, o->weight_decay);
    ken_buf_printf(b, "  \"floor\": %s,\n  \"unique_names\": %s\n}\n", truth(o->floor), truth(o->unique_names));
}

/* ---- the folder --------------------------------------------------------------------------------------------------------------- */

static int name_files(job *j, const char *dir, ken_err *err)
{
    j->dir = dir;
    j->settings = ken_path_join(dir, "world.json");
    j->corpus = ken_path_join(dir, "corpus.jsonl");
    j->init = ken_path_join(dir, "init");
    j->model = ken_path_join(dir, "model");
    j->done = ken_path_join(dir, "DONE");
    if (j->settings == NULL || j->corpus == NULL || j->init == NULL || j->model == NULL || j->done == NULL)
        return ken_fail_nomem(err, "file names");
    return KEN_OK;
}

/* The line of `there` that differs first from ours. */
static int other_world(const job *j, const char *ours, const ken_map *there, ken_err *err)
{
    const char *a = ours, *b = (const char *)there->data, *end = b + there->size;
    while (b < end) {
        const size_t n = strcspn(a, "\n"), m = (size_t)((const char *)(memchr(b, '\n', (size_t)(end - b)) ?: end) - b);
        if (n != m || memcmp(a, b, n) != 0) {
            const size_t skip = strspn(a, " ");
            return ken_fail(err, KEN_EINPUT, "%s: holds another world:%.*s there,%.*s here; name another folder",
                            j->dir, (int)(m > 60 ? 60 : m), b, (int)(n > 60 ? 60 : n), a + skip - (skip > 0));
        }
        a += n + (a[n] == '\n');
        b += m + 1;
    }
    return ken_fail(err, KEN_EINPUT, "%s: is not whole; remove the folder", j->settings);
}

/* Nothing is made before the folder is known to be ours. */
static int open_folder(const job *j, ken_err *err)
{
    ken_buf text = {0};
    ken_map there = {0};
    int rc = KEN_OK;
    put_settings(&text, j);
    if (text.failed) rc = ken_fail_nomem(err, "settings");
    else if (ken_is_file(j->settings)) {
        rc = ken_map_file(&there, j->settings, err);
        if (rc == KEN_OK && (there.size != text.len || memcmp(there.data, text.data, text.len) != 0))
            rc = other_world(j, text.data, &there, err);
    } else {
        rc = ken_folder_is_free(j->dir, err);
        if (rc == KEN_OK) rc = ken_make_folder(j->dir, err);
        if (rc == KEN_OK) rc = ken_write_file(j->settings, text.data, text.len, err);
    }
    ken_unmap(&there);
    ken_buf_free(&text);
    return rc;
}

/* ---- pretraining ---------------------------------------------------------------------------------------------------------------- */

static int write_corpus(const job *j, ken_err *err)
{
    return ken_is_file(j->corpus) ? KEN_OK : ken_world_write_corpus(j->world, j->corpus, err);
}

/* Its weights are written last. */
static int make_init(job *j, ken_err *err)
{
    char *weights = ken_path_join(j->init, "model.safetensors");
    int rc = weights == NULL ? ken_fail_nomem(err, "file name") : KEN_OK;
    if (rc == KEN_OK && !ken_is_file(weights))
        rc = ken_make_model_folder(&j->shape, ken_vocabulary_spec(&j->words), j->o.seed, j->init, err);
    ken_free(weights);
    return rc;
}

static int pretrain(const job *j, ken_err *err)
{
    const ken_world_options *o = &j->o;
    ken_train_data data = ken_train_data_defaults();
    ken_train_options t = ken_train_defaults();
    ken_model *m = NULL;
    data.path = j->corpus;
    t.data = &data;
    t.epochs = o->epochs;
    t.batch = o->batch;
    t.schedule = KEN_SCHEDULE_COSINE;
    t.lr = o->lr;
    t.weight_decay = o->weight_decay;
    t.dropout = 0;
    t.seed = o->seed;
    t.fit_limit = 1;              /* a document is no answer: nothing is to be learned from whether it is said */
    t.eval_every = 1000000000000; /* at the end alone */
    if (o->compute != NULL) t.compute = o->compute;
    t.threads = o->threads;
    t.isa = o->isa;
    t.poll = o->poll;
    t.progress = o->progress;
    t.ctx = o->ctx;
    int rc = ken_model_open(&m, j->init, err);
    if (rc == KEN_OK) rc = ken_train(m, &t, j->model, err);
    ken_model_free(m);
    return rc;
}

static int read_result(const job *j, ken_world_made *out, ken_err *err)
{
    ken_run *r = NULL;
    ken_model *m = NULL;
    char *path = ken_path_join(j->model, "train.ken");
    int rc = path == NULL ? ken_fail_nomem(err, "file name") : ken_run_open(&r, path, err);
    if (rc == KEN_OK && ken_run_n_points(r) > 0) {
        const ken_point *last = ken_run_point(r, ken_run_n_points(r) - 1);
        out->updates = last->step;
        out->loss = last->loss;
        out->seconds = last->seconds;
    }
    if (rc == KEN_OK) rc = ken_model_open(&m, j->model, err);
    if (rc == KEN_OK) out->parameters = (uint64_t)ken_model_get_info(m)->n_params;
    ken_model_free(m);
    ken_run_free(r);
    ken_free(path);
    return rc;
}

static int make_all(job *j, ken_world_made *out, ken_err *err)
{
    int rc = ken_world_new(&j->world, &j->o, err);
    if (rc == KEN_OK) rc = ken_world_vocabulary(&j->words, j->world, err);
    if (rc == KEN_OK) rc = open_folder(j, err);
    if (rc == KEN_OK) rc = write_corpus(j, err);
    if (rc == KEN_OK) rc = make_init(j, err);
    if (rc == KEN_OK) rc = pretrain(j, err);
    if (rc == KEN_OK) rc = ken_world_trace(j->world, j->o.batch, j->o.epochs, j->o.seed, err);
    if (rc == KEN_OK) rc = ken_world_write_facts(j->world, j->dir, err);
    if (rc == KEN_OK) rc = read_result(j, out, err);
    if (rc == KEN_OK && !ken_is_file(j->done)) rc = ken_write_file(j->done, "", 0, err);
    if (rc != KEN_OK) return rc;
    out->subjects = (size_t)j->o.subjects;
    out->facts = j->world->n_facts;
    out->sentences = (size_t)j->o.sentences;
    out->documents = ken_world_documents(j->world);
    out->words = j->words.n;
    for (size_t f = 0; f < j->world->n_facts; f++)
        if (j->world->split[f] <= KEN_WORLD_TEST) out->split[j->world->split[f]]++;
    return KEN_OK;
}

int ken_world_run(const ken_world_options *given, const char *dir, ken_world_made *out, ken_err *err)
{
    job j = {.o = ken_world_defaults()};
    *out = (ken_world_made){.loss = NAN, .seconds = NAN};
    int rc = KEN_TAKE_OPTIONS(&j.o, given, ken_world_options, err);
    if (rc == KEN_OK) rc = check(&j, err);
    if (rc == KEN_OK) rc = name_files(&j, dir, err);
    if (rc == KEN_OK) rc = make_all(&j, out, err);
    char *names[] = {j.settings, j.corpus, j.init, j.model, j.done};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ken_free(names[i]);
    ken_vocabulary_free(&j.words);
    ken_world_free(j.world);
    return rc;
}
