/* set.c - the settings of a training set; see set.h. */
#include "tune/set.h"

ken_train_data ken_train_data_defaults(void)
{
    return (ken_train_data){.read = ken_data_defaults(), .prefer_split = "train", .p_max = 1, .weight_gamma = 1};
}

ken_train_data ken_tune_data_like(const ken_train_data *main, const char *path, const char *prefer)
{
    ken_train_data d = ken_train_data_defaults();
    d.path = path != NULL ? path : main->path;
    d.labels = main->labels;
    d.label = main->label;
    d.read = main->read;
    d.prefer_split = prefer;
    d.prompt_template = main->prompt_template;
    d.chat_template = main->chat_template;
    d.seed = main->seed;
    d.weights = "none";
    return d;
}
