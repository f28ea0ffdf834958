/* world.c - what a synthetic world has become. */
#include "view/views.h"
#include <math.h>

int ken_views_of_world(ken_views **out, const ken_world_made *w, const ken_world_options *o, const char *dir,
                       ken_err *err)
{
    ken_views *v = ken_views_new();
    const double speed = w->seconds > 0 ? (double)w->sentences * o->epochs / w->seconds : NAN;
    ken_value_text(v, "", "dir", dir);
    ken_value_count(v, "", "subjects", w->subjects);
    ken_value_count(v, "", "facts", w->facts);
    ken_value_count(v, "", "sentences", w->sentences);
    ken_value_count(v, "", "documents", w->documents);
    ken_value_count(v, "", "words", w->words);
    ken_value_count(v, "", "train", w->split[0]);
    ken_value_count(v, "", "dev", w->split[1]);
    ken_value_count(v, "", "test", w->split[2]);
    ken_value_count(v, "", "parameters", w->parameters);
    ken_value_count(v, "", "updates", (uint64_t)w->updates);
    ken_value_number(v, "", "loss", w->loss);
    ken_value_number(v, "", "seconds", w->seconds);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_STRONG, "%s facts about %s subjects", ken_views_count_text(v, w->facts),
                  ken_views_count_text(v, w->subjects));
    ken_views_say(v, KEN_STYLE_PLAIN, ", told by %s sentences in %s documents; ", ken_views_count_text(v, w->sentences),
                  ken_views_count_text(v, w->documents));
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "a network of %s weights that has read them: %s update%s, loss %.4f nats a token, %.0f s",
                  ken_views_count_text(v, w->parameters), ken_views_count_text(v, (uint64_t)w->updates),
                  w->updates == 1 ? "" : "s", w->loss, w->seconds);
    if (!isnan(speed))
        ken_views_say(v, KEN_STYLE_PLAIN, " (%s sentences a second)", ken_views_count_text(v, (uint64_t)speed));
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    ken_view_next_begin(v);
    ken_view_next_put(
        v,
        ken_views_keep(
            v, "ken annotate -m %s/model -d %s/data --question-field sentence --template '{question}\\n' -o known.ken",
            dir, dir),
        "what it knows");
    ken_view_next_put(
        v,
        ken_views_keep(
            v,
            "ken train -m %s/model -d %s/data/train.jsonl --dev %s/data/dev.jsonl --test %s/data/test.jsonl -o tuned",
            dir, dir, dir, dir),
        "to teach it to answer");
    return ken_views_finish(out, v, err);
}
