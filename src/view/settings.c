/* settings.c - what decides the numbers of a run, and what identifies its inputs. */
#include "view/views.h"
#include <string.h>

#define SETTING(name, title)                                                                                           \
    {                                                                                                                  \
        .head = (title), .key = (name), .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE                                    \
    }

static const ken_view_column settings[] = {SETTING("model", "Model"),
                                           SETTING("weight_type", "Weights"),
                                           SETTING("n_params", "Parameters"),
                                           SETTING("architecture", "Architecture"),
                                           SETTING("compute", "Arithmetic"),
                                           SETTING("isa", "Instruction set"),
                                           SETTING("gemm", "Matrix library"),
                                           SETTING("data", "Data"),
                                           SETTING("data_format", "Data format"),
                                           SETTING("splits", "Splits"),
                                           SETTING("relations", "Relations"),
                                           SETTING("rows", "Facts asked for"),
                                           SETTING("method", "Method"),
                                           SETTING("matcher", "Matcher"),
                                           SETTING("prompts", "Prompts"),
                                           SETTING("shots", "Shots"),
                                           SETTING("samples", "Samples a prompt"),
                                           SETTING("temperature", "Temperature"),
                                           SETTING("top_k", "Top-k"),
                                           SETTING("max_new", "Longest answer"),
                                           SETTING("mass_budget", "Mass budget"),
                                           SETTING("template", "Template"),
                                           SETTING("chat_template", "Chat template"),
                                           SETTING("stop", "Stop"),
                                           SETTING("exemplar_seed", "Exemplar seed"),
                                           SETTING("seed", "Seed"),
                                           SETTING("control", "Guess control"),
                                           SETTING("dev", "Dev"),
                                           SETTING("test", "Test"),
                                           SETTING("ood", "Out of distribution"),
                                           SETTING("epochs", "Epochs"),
                                           SETTING("batch", "Batch"),
                                           SETTING("lr", "Learning rate"),
                                           SETTING("schedule", "Schedule"),
                                           SETTING("warmup_steps", "Warm-up steps"),
                                           SETTING("optimizer", "Optimizer"),
                                           SETTING("dropout", "Dropout"),
                                           SETTING("clip", "Clip"),
                                           SETTING("lora", "LoRA"),
                                           SETTING("train", "Trained"),
                                           SETTING("freeze", "Frozen"),
                                           SETTING("kl", "Weight of the divergence"),
                                           SETTING("kl_teacher", "Teacher"),
                                           SETTING("version", "ken version"),
                                           SETTING("adapter_path", "Adapter"),
                                           SETTING("adapter", "Adapter hash"),
                                           SETTING("model_hash", "Model hash"),
                                           SETTING("tokenizer_hash", "Tokenizer hash"),
                                           SETTING("data_hash", "Data hash"),
                                           SETTING("exemplars_hash", "Exemplars hash")};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

void ken_view_settings(ken_views *v, const ken_run *r)
{
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Everything that decides the numbers above. They belong to these settings; runs with "
                  "others are not comparable row by row.");
    ken_views_values(v, settings, N_SETTINGS, NULL);
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const char *value = ken_run_setting(r, settings[i].key);
        if (value != NULL && strcmp(value, "\n") == 0) value = "newline";
        ken_put_text(v, KEN_STYLE_PLAIN, value != NULL && value[0] != '\0' ? value : NULL);
    }
}
