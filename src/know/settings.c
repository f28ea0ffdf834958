/* settings.c - see settings.h. A setting is binding when another value of it could give another label. */
#include "know/settings.h"
#include "data/identity.h"
#include "know/method.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_range(const char *name, long long v, long long lo, long long hi, ken_err *err)
{
    if (v >= lo && v <= hi) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "--%s %lld is out of range: %lld to %lld", name, v, lo, hi);
}

int ken_settings_check(ken_setup *p, const ken_annotate_options *o, const ken_model *m, const ken_data *d, ken_err *err)
{
    int rc;
    *p = (ken_setup){0};
    if ((rc = check_range("shots", o->shots, 0, 64, err)) != KEN_OK ||
        (rc = check_range("prompts", o->prompts, 1, 1000, err)) != KEN_OK ||
        (rc = check_range("samples", o->samples, 1, 10000, err)) != KEN_OK ||
        (rc = check_range("top-k", o->top_k, 1, 1 << 20, err)) != KEN_OK ||
        (rc = check_range("max-new", o->max_new, 1, 1024, err)) != KEN_OK)
        return rc;
    if (!(o->temperature > 0.0 && o->temperature <= 100.0))
        return ken_fail(err, KEN_EUSAGE,
                        "`temperature` %g is out of range: above 0, at most 100 (greedy verdicts are always taken too)",
                        o->temperature);
    if (!(o->mass_budget >= 0.0 && o->mass_budget <= 1.0 * o->prompts))
        return ken_fail(err, KEN_EUSAGE,
                        "`mass_budget` %g is out of range: 0 (the default rule) to the number of prompts",
                        o->mass_budget);
    *p = (ken_setup){.shots = o->shots, .exemplar_seed = o->exemplar_seed, .control = o->control};
    const char *stop = o->stop != NULL ? o->stop : "\n";
    if (stop[0] == '\0' || strlen(stop) > 64) return ken_fail(err, KEN_EUSAGE, "`stop` must be 1 to 64 bytes long");
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
    rc = ken_prompt_check_template(p->style.template_text, p->rules.tokenizer, err);
    if (rc == KEN_OK && o->chat_template) rc = ken_chat_detect(&p->style.chat, p->rules.tokenizer, err);
    if (rc == KEN_OK) rc = ken_gold_rules_new(&p->golds, o->matcher, stop, NULL, 0, err);
    if (rc == KEN_OK) rc = ken_gold_rules_need_aliases(&p->golds, 1, d != NULL && ken_data_has_aliases(d), err);
    if (rc == KEN_OK) rc = ken_method_find(&p->method, o->method, err);
    if (rc == KEN_OK) rc = ken_isa_parse(&p->isa, o->isa, err);
    if (rc != KEN_OK) return rc;
    if (!ken_matcher_is_exact(&p->golds.matcher) && p->method->rules_out)
        return ken_fail(err, KEN_EUSAGE,
                        "`matcher` %s cannot rule any text out early, so it has no exact method; add `method` sample",
                        p->golds.matcher.name);
    if (p->control && !p->method->control) return ken_fail(err, KEN_EUSAGE, "`control` needs `method` exact");
    if (o->compute != NULL && strcmp(o->compute, "f32") != 0)
        return ken_fail(err, KEN_EUSAGE,
                        "`compute` %s is not available in this version; f32 is the reference and the default",
                        o->compute);
    return KEN_OK;
}

void ken_settings_free(ken_setup *p) { ken_gold_rules_free(&p->golds); }

ken_exemplar_options ken_settings_exemplars(const ken_annotate_options *o)
{
    return (ken_exemplar_options){.n_sets = o->prompts,
                                  .shots = o->shots,
                                  .seed = o->exemplar_seed,
                                  .exemplars = o->exemplars,
                                  .fallback = o->fallback,
                                  .splits = o->splits,
                                  .relations = o->relations,
                                  .per_relation = o->per_relation,
                                  .limit = o->limit,
                                  .sample = o->sample,
                                  .sample_seed = o->seed};
}

void ken_settings_model(ken_setting_list *l, ken_model *m, const char *compute, ken_isa isa, const char *gemm)
{
    const char *hash = NULL;
    l->failed |= ken_model_hash(m, &hash, NULL) != KEN_OK; /* the caller has hashed it */
    const ken_model_info *info = ken_model_get_info(m);
    ken_setting_text(l, "adapter", true,
                     info->adapter != NULL ? info->adapter_hash : NULL); /* before model_hash, which an */
    ken_setting_text(l, "adapter_path", false, info->adapter); /* adapter changes too: a refusal names the cause */
    ken_setting_text(l, "model_hash", true, hash);
    ken_setting_text(l, "tokenizer_hash", true, info->tokenizer_hash);
    ken_setting_text(l, "model", false, info->name);
    ken_setting_text(l, "model_path", false, info->path);
    ken_setting_text(l, "architecture", false, info->architecture);
    ken_setting_text(l, "weight_type", true, info->weight_type);
    ken_setting_put(l, "n_params", false, "%llu", (unsigned long long)info->n_params);
    ken_setting_text(l, "compute", true, compute != NULL ? compute : "f32");
    ken_setting_text(l, "isa", true, ken_isa_name(isa));
    ken_setting_text(l, "gemm", true, gemm);
    ken_setting_text(l, "prompt_version", true, KEN_PROMPT_VERSION);
    ken_setting_text(l, "version", false, KEN_VERSION);
}

int ken_settings_list(const ken_setup *p, const ken_annotate_options *o, ken_model *m, const char *gemm,
                      const ken_data *d, ken_setting_list *l, ken_err *err)
{
    char data_hash[65], exemplars_hash[65] = "";
    int rc = ken_data_hash(d, data_hash, err);
    if (rc == KEN_OK && o->exemplars != NULL) rc = ken_data_hash(o->exemplars, exemplars_hash, err);
    if (rc != KEN_OK) return rc;
    ken_settings_model(l, m, "f32", p->isa, gemm);
    ken_setting_text(l, "data", false, ken_data_name(d));
    ken_setting_text(l, "data_format", true, ken_data_format(d));
    ken_setting_text(l, "data_hash", false, data_hash); /* row by row: identity.h */
    ken_setting_text(l, "exemplars_hash", true, exemplars_hash);
    ken_setting_text(l, "exemplar_source", false, ken_exemplar_source_name(p->exemplars));
    ken_setting_text(l, "cross_fit", true, p->exemplars == KEN_CROSS_FITTED ? KEN_CROSS_FIT_VERSION : NULL);
    bool choice = ken_data_count(d) > 0 && ken_data_get(d, 0)->n_choices > 0;
    ken_setting_text(l, "method", true, p->method->name);
    ken_setting_text(l, "method_version", true, choice ? ken_method_choice.version : p->method->version);
    ken_setting_text(l, "draw_version", true, KEN_DRAW_VERSION);
    ken_gold_rules_settings(&p->golds, ken_aliases_hash(d), l);
    ken_setting_text(l, "template", true, p->style.template_text);
    ken_setting_text(l, "chat_template", true, ken_chat_name(p->style.chat));
    ken_setting_text(l, "stop", true, p->rules.stop);
    ken_setting_put(l, "shots", true, "%d", p->shots);
    ken_setting_put(l, "prompts", true, "%d", p->rules.prompts);
    ken_setting_put(l, "samples", true, "%d", p->rules.samples);
    ken_setting_put(l, "temperature", true, "%.17g", p->rules.temperature);
    ken_setting_put(l, "top_k", true, "%d", (int)p->rules.top_k);
    ken_setting_put(l, "max_new", true, "%d", (int)p->rules.max_new);
    ken_setting_put(l, "exemplar_seed", true, "%llu", (unsigned long long)p->exemplar_seed);
    ken_setting_put(l, "seed", true, "%llu", (unsigned long long)p->rules.seed);
    ken_setting_put(l, "mass_budget", true, "%.17g", p->rules.mass_budget);
    ken_setting_text(l, "texts", true, p->rules.texts ? "yes" : "no");
    ken_setting_text(l, "control", true, p->control ? "yes" : "no");
    ken_setting_names(l, "splits", false, &o->splits);
    ken_setting_names(l, "relations", false, &o->relations);
    ken_setting_put(l, KEN_SETTING_ROWS, false, "%zu", p->n_rows);
    ken_setting_put(l, "limit", false, "%zu", o->limit);
    ken_setting_put(l, "sample", false, "%zu", o->sample);
    ken_setting_put(l, "per_relation", false, "%zu", o->per_relation);
    return l->failed ? ken_fail_nomem(err, "settings") : KEN_OK;
}
