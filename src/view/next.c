/* next.c - what to do with a result: the commands that come after it. Said at the end of `ken show`, and on the page of a single run. */
#include "base/file.h"
#include "store/tuning.h"
#include "view/views.h"
#include <string.h>

void ken_view_next_begin(ken_views *v)
{
    /* The last column of a table is never cut on a terminal, and a cut command is none. */
    static const ken_view_column columns[] = {{.head = "", .unit = KEN_UNIT_TEXT, .width = 30, .where = KEN_SHOWN},
                                              {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "Next:");
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    ken_views_last(v)->headless = true;
}

void ken_view_next_put(ken_views *v, const char *command, const char *why)
{
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_QUIET, why);
    ken_put_text(v, KEN_STYLE_STRONG, command);
}

/* Multiple choice has no categories to choose by. */
static void after_annotation(ken_views *v, const ken_run *r, const char *run)
{
    const ken_counts *t = ken_run_total(r);
    const uint64_t unknown = t->category[KEN_UNKNOWN],
                   known = t->category[KEN_HIGHLY_KNOWN] + t->category[KEN_MAYBE_KNOWN] + t->category[KEN_WEAKLY_KNOWN];
    if (known + unknown == 0) return;
    ken_view_next_begin(v);
    if (known > 0)
        ken_view_next_put(v, ken_views_keep(v, "ken select %s --category Known -o set.jsonl", run),
                          "what it knows, to train on");
    if (unknown > 0)
        ken_view_next_put(v, ken_views_keep(v, "ken show %s --rows --category Unknown", run), "what it does not know");
    ken_view_next_put(v, ken_views_keep(v, "ken explain %s ID", run), "why a fact is what it is");
    ken_view_next_put(v, ken_views_keep(v, "ken diff %s OTHER.ken", run), "what changed in another model");
}

/* The weights lie beside the run, which is called train.ken. */
static void after_training(ken_views *v, const ken_run *r, const char *run)
{
    if (ken_run_n_points(r) == 0) return;
    const bool beside = ken_has_ending(run, "/train.ken");
    const char *dir = beside ? ken_views_keep(v, "%.*s", (int)(strlen(run) - strlen("/train.ken")), run) : "DIR";
    ken_view_next_begin(v);
    ken_view_next_put(v, "ken annotate FACTS -o before.ken", "what the model knew");
    ken_view_next_put(v, ken_views_keep(v, "ken annotate FACTS -m %s -o after.ken", dir), "what it knows now");
    ken_view_next_put(v, ken_views_keep(v, "ken diff before.ken after.ken --trained %s", dir),
                      "what was gained and lost");
}

void ken_view_next(ken_views *v, const ken_run *r, const char *name)
{
    const char *kind = ken_run_kind(r);
    if (strcmp(kind, KEN_KIND_TRAIN) == 0) after_training(v, r, name);
    else if (strcmp(kind, "annotate") == 0) after_annotation(v, r, name);
}
