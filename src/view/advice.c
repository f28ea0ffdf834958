/* advice.c - what the labels of an annotation may hide, and what to do about it: answers that hold the right one and are called wrong, accepted
 * answers that no text can equal. Said in the same words on a terminal, on the page and at the end of `ken annotate`. */
#include "base/options.h"
#include "text/accept.h"
#include "view/views.h"
#include <string.h>

bool ken_view_of_sentences(const ken_run *r, const ken_counts *t)
{
    ken_matcher m;
    const char *name = ken_run_setting(r, "matcher");
    return name != NULL && ken_matcher_parse(&m, name, NULL) == KEN_OK && ken_matcher_is_exact(&m) &&
           2 * t->sentences > t->n;
}

static const char *facts(ken_views *v, uint64_t n)
{
    return ken_views_keep(v, "%s fact%s", ken_views_count_text(v, n), n == 1 ? "" : "s");
}

/* How else they could have been asked, where the way of asking makes answers long. */
static void say_how_to_ask(ken_views *v, const ken_run *r)
{
    const char *chat = ken_run_setting(r, "chat_template"), *shots = ken_run_setting(r, "shots");
    if (chat != NULL && strcmp(chat, "none") != 0)
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            " In its chat format a model answers in sentences: without --chat-template, in a run of its own, it "
            "follows the short answers of the examples.");
    else if (shots != NULL && strcmp(shots, "0") == 0)
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            " Without examples a model does not know how short an answer should be: --shots 4, in a run of its "
            "own, shows it.");
}

static void put_said(ken_views *v, const ken_run *r, const ken_counts *t)
{
    uint64_t said = 0;
    const char *matcher = ken_run_setting(r, "matcher");
    for (int k = 0; k < KEN_UNLABELLED; k++) said += t->said[k];
    if (said == 0) return;
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_STRONG, "Of %s the model says an accepted answer among other words", facts(v, said));
    ken_views_say(v, KEN_STYLE_PLAIN, ", which %s calls wrong; ", matcher != NULL ? matcher : "the matcher");
    if (t->said[KEN_UNKNOWN] == 0) ken_views_say(v, KEN_STYLE_PLAIN, "none of them is called Unknown.");
    else if (t->said[KEN_UNKNOWN] == said)
        ken_views_say(v, KEN_STYLE_PLAIN, "%s Unknown.", said == 1 ? "it is called" : "all of them are called");
    else
        ken_views_say(v, KEN_STYLE_PLAIN, "%s of them %s called Unknown.",
                      ken_views_count_text(v, t->said[KEN_UNKNOWN]), t->said[KEN_UNKNOWN] == 1 ? "is" : "are");
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        " ken score RUN --matcher contains labels again with such answers accepted, ken score RUN --audit 100 -o "
        "sheet.csv writes a sheet to judge them by hand.");
    say_how_to_ask(v, r);
}

static void put_sentences(ken_views *v, const ken_run *r, const ken_counts *t)
{
    if (!ken_view_of_sentences(r, t)) return;
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_STRONG, "The accepted answers of %s are sentences", facts(v, t->sentences));
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        ", five words or more on the average: exact match hardly ever accepts a sentence, so that Unknown says "
        "little here. ken score RUN --matcher f1@0.5 labels again by the words in common, as far as this run can "
        "tell; ken annotate --matcher f1@0.5 --method sample does from the start. Or give the claim itself as the "
        "answer: a name, a number, yes or no.");
}

static void put_untold(ken_views *v, const ken_counts *t)
{
    if (t->unknown_without_text == 0) return;
    ken_views_text(v);
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        "Of %s called Unknown no greedy answer was kept, so that it cannot be told whether the right one was said "
        "among other words; without --no-texts it can.",
        facts(v, t->unknown_without_text));
}

void ken_view_advice(ken_views *v, const ken_run *r, const ken_counts *t)
{
    put_said(v, r, t);
    put_sentences(v, r, t);
    put_untold(v, t);
}

int ken_views_of_advice(ken_views **out, ken_run *r, ken_err *err)
{
    ken_views *v = ken_views_new();
    if (strcmp(ken_run_kind(r), "annotate") == 0) ken_view_advice(v, r, ken_run_total(r));
    return ken_views_finish(out, v, err);
}
