/* settings.c - see settings.h. A setting is binding when another value of it could give another label. */
#include "know/settings.h"
#include "base/hash.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int range(const char *name, long long v, long long lo, long long hi, ken_err *err)
{
    if (v >= lo && v <= hi) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "--%s %lld is out of range: %lld to %lld", name, v, lo, hi);
}

int ken_settings_check(ken_plan_of_run *p, const ken_annotate_options *o, const ken_model *m, ken_err *err)
{
    int rc;
    if ((rc = range("shots", o->shots, 0, 64, err)) != KEN_OK ||
        (rc = range("prompts", o->prompts, 1, 1000, err)) != KEN_OK ||
        (rc = range("samples", o->samples, 1, 10000, err)) != KEN_OK ||
        (rc = range("top-k", o->top_k, 1, 1 << 20, err)) != KEN_OK ||
        (rc = range("max-new", o->max_new, 1, 1024, err)) != KEN_OK)
        return rc;
    if (!(o->temperature > 0.0 && o->temperature <= 100.0))
        return ken_fail(err, KEN_EUSAGE,
                        "--temperature %g is out of range: above 0, at most 100 (greedy verdicts are always taken too)",
                        o->temperature);
    if (!(o->mass_budget >= 0.0 && o->mass_budget <= 1.0 * o->prompts))
        return ken_fail(err, KEN_EUSAGE,
                        "--mass-budget %g is out of range: 0 (the default rule) to the number of prompts",
                        o->mass_budget);
    *p = (ken_plan_of_run){
        .shots = o->shots, .exemplar_seed = o->exemplar_seed, .sample = o->sample, .control = o->control};
    const char *stop = o->stop != NULL ? o->stop : "\n";
    if (stop[0] == '\0' || strlen(stop) > 64) return ken_fail(err, KEN_EUSAGE, "--stop must be 1 to 64 bytes long");
    p->rules = (ken_rules){.tokenizer = ken_model_tokenizer(m),
                           .top_k = o->top_k,
                           .temperature = o->temperature,
                           .max_new = o->max_new,
                           .stop = stop,
                           .n_stop = strlen(stop),
                           .prompts = o->prompts,
                           .samples = o->samples,
                           .mass_budget = o->mass_budget,
                           .texts = o->texts,
                           .seed = o->seed};
    if (p->rules.top_k > ken_model_config(m)->n_vocab) p->rules.top_k = ken_model_config(m)->n_vocab;
    p->style = (ken_prompt_style){
        .template_text = o->prompt_template != NULL ? o->prompt_template : KEN_DEFAULT_TEMPLATE, .after = stop};
    rc = ken_prompt_check_template(p->style.template_text, err);
    if (rc == KEN_OK && o->chat_template) rc = ken_chat_detect(&p->style.chat, p->rules.tokenizer, err);
    if (rc == KEN_OK) rc = ken_matcher_parse(&p->matcher, o->matcher != NULL ? o->matcher : "em-squad", err);
    if (rc == KEN_OK) rc = ken_isa_parse(&p->isa, o->isa, err);
    if (rc != KEN_OK) return rc;
    if (!ken_matcher_is_exact(&p->matcher) && !p->sample)
        return ken_fail(err, KEN_EUSAGE,
                        "--matcher %s cannot rule any text out early, so it has no exact method; add --method sample",
                        p->matcher.name);
    if (p->control && p->sample) return ken_fail(err, KEN_EUSAGE, "--control needs --method exact");
    if (o->compute != NULL && strcmp(o->compute, "f32") != 0)
        return ken_fail(err, KEN_EUSAGE,
                        "--compute %s is not available in this version; f32 is the reference and the default",
                        o->compute);
    return KEN_OK;
}

ken_exemplar_options ken_settings_exemplars(const ken_annotate_options *o)
{
    return (ken_exemplar_options){.n_sets = o->prompts,
                                  .shots = o->shots,
                                  .seed = o->exemplar_seed,
                                  .exemplars = o->exemplars,
                                  .splits = o->splits,
                                  .relations = o->relations,
                                  .per_relation = o->per_relation,
                                  .limit = o->limit};
}

int ken_settings_data_hash(const ken_data *d, char hex[65], ken_err *err)
{
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return ken_fail_nomem(err, "hash of the data");
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *x = ken_data_get(d, i);
        const char *part[] = {x->id, x->relation, x->question};
        for (size_t j = 0; j < 3; j++) ken_sha256_add(h, part[j], strlen(part[j]) + 1); /* the NUL separates */
        for (int j = 0; j < x->n_answers; j++) ken_sha256_add(h, x->answers[j], strlen(x->answers[j]) + 1);
        for (int j = 0; j < x->n_choices; j++) ken_sha256_add(h, x->choices[j], strlen(x->choices[j]) + 1);
        ken_sha256_add(h, "\1", 2);
    }
    ken_sha256_hex(h, hex);
    return KEN_OK;
}

int ken_settings_list(const ken_plan_of_run *p, const ken_annotate_options *o, ken_model *m, const char *gemm,
                      const ken_data *d, const char *data_hash, const char *exemplars_hash, ken_arena *arena,
                      ken_setting **out, size_t *n, ken_err *err)
{
    enum { MOST = 44 };
    ken_setting *s = ken_arena_calloc(arena, MOST, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "settings");
    const char *hash;
    int rc = ken_model_hash(m, &hash, err);
    if (rc != KEN_OK) return rc;
    const ken_model_info *info = ken_model_get_info(m);
    size_t k = 0;
    char t[80];
    bool failed = false;
#define SET(KEY, BINDING, ...)                                                                                         \
    do {                                                                                                               \
        snprintf(t, sizeof t, __VA_ARGS__);                                                                            \
        s[k++] = (ken_setting){KEY, ken_arena_strndup(arena, t, strlen(t)), BINDING};                                  \
        failed |= s[k - 1].value == NULL;                                                                              \
    } while (0)
#define TEXT(KEY, BINDING, VALUE)                                                                                      \
    s[k++] = (ken_setting) { KEY, VALUE, BINDING }
    if (info->adapter != NULL) { /* before model_hash, which an adapter changes too: a refusal names the cause */
        TEXT("adapter", true, info->adapter_hash);
        TEXT("adapter_path", false, info->adapter);
    }
    TEXT("model_hash", true, hash);
    TEXT("tokenizer_hash", true, info->tokenizer_hash);
    TEXT("model", false, info->name);
    TEXT("model_path", false, info->path);
    TEXT("architecture", false, info->architecture);
    TEXT("weight_type", true, info->weight_type);
    SET("n_params", false, "%llu", (unsigned long long)info->n_params);
    TEXT("compute", true, "f32");
    TEXT("isa", true, ken_isa_name(p->isa));
    TEXT("gemm", true, gemm);
    TEXT("data", false, ken_data_name(d));
    TEXT("data_format", true, ken_data_format(d));
    TEXT("data_hash", true, data_hash);
    TEXT("exemplars_hash", true, exemplars_hash);
    TEXT("method", true, p->sample ? "sample" : "exact");
    TEXT("matcher", true, p->matcher.name);
    TEXT("template", true, p->style.template_text);
    TEXT("chat_template", true, ken_chat_name(p->style.chat));
    TEXT("stop", true, p->rules.stop);
    SET("shots", true, "%d", p->shots);
    SET("prompts", true, "%d", p->rules.prompts);
    SET("samples", true, "%d", p->rules.samples);
    SET("temperature", true, "%.17g", p->rules.temperature);
    SET("top_k", true, "%d", (int)p->rules.top_k);
    SET("max_new", true, "%d", (int)p->rules.max_new);
    SET("exemplar_seed", true, "%llu", (unsigned long long)p->exemplar_seed);
    SET("seed", true, "%llu", (unsigned long long)p->rules.seed);
    SET("mass_budget", true, "%.17g", p->rules.mass_budget);
    TEXT("texts", true, p->rules.texts ? "yes" : "no");
    TEXT("control", true, p->control ? "yes" : "no");
    TEXT("version", true, KEN_VERSION);
    TEXT("splits", false, o->splits != NULL ? o->splits : "");
    TEXT("relations", false, o->relations != NULL ? o->relations : "");
    SET(KEN_SETTING_ROWS, false, "%zu", p->n_rows);
    SET("limit", false, "%zu", o->limit);
    SET("per_relation", false, "%zu", o->per_relation);
#undef SET
#undef TEXT
    if (failed) return ken_fail_nomem(err, "settings");
    *out = s;
    *n = k;
    return KEN_OK;
}
