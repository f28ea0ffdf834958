/* words.c - the words of the choices in option structs (ken.h, "choices"): what options, runs and manifests say for KEN_HALF_POPULAR and the
 * like. One table, so that the program, the files and the messages agree. */
#include "base/options.h"
#include <string.h>

enum { MOST_WORDS = 6 };

typedef struct choice {
    const char *field; /* its name in ken.h */
    const char *word[MOST_WORDS];
} choice;

static const choice choices[] = {
    [KEN_WORDS_LABEL] = {"label", {"draw", "mode"}},
    [KEN_WORDS_HALF] = {"half", {"all", "popular", "unpopular", "random"}},
    [KEN_WORDS_HALF_BY] = {"half_by", {"auto", "popularity", "p"}},
    [KEN_WORDS_BALANCE] = {"balance", {"none", "category", "relation"}},
    [KEN_WORDS_KNOWN_MIX] = {"known_mix", {"natural", "equal", "HighlyKnown", "MaybeKnown", "WeaklyKnown"}},
    [KEN_WORDS_MATCH] = {"match", {"none", "pairs", "control"}},
    [KEN_WORDS_WEIGHTS] = {"weights", {"file", "p", "none"}},
    [KEN_WORDS_SCHEDULE] = {"schedule", {"constant", "linear", "cosine"}},
    [KEN_WORDS_OPTIMIZER] = {"optimizer", {"adamw", "sgd"}},
    [KEN_WORDS_SHARE_PREFIXES] = {"share_prefixes", {"auto", "on", "off"}},
    [KEN_WORDS_OWN_ANSWERS] = {"own_answers", {"none", "unknown", "all"}},
    [KEN_WORDS_CERTAINTY] = {"certainty", {"none", "category", "p"}},
    [KEN_WORDS_ANSWERS] = {"answers_a", {"last", "best"}},
};
enum { N_CHOICES = sizeof choices / sizeof *choices };

const char *ken_word(ken_words of, int value)
{
    return (int)of >= 0 && (int)of < N_CHOICES && value >= 0 && value < MOST_WORDS ? choices[of].word[value] : NULL;
}

int ken_word_value(ken_words of, const char *word)
{
    for (int i = 0; ken_word(of, i) != NULL; i++)
        if (strcmp(word, ken_word(of, i)) == 0) return i;
    return -1;
}

int ken_check_word(ken_words of, int value, ken_err *err)
{
    if (ken_word(of, value) != NULL) return KEN_OK;
    int n = 0;
    while (ken_word(of, n) != NULL) n++;
    return ken_fail(err, KEN_EUSAGE, "`%s` %d is not one of its values, 0 (%s) to %d (%s)", choices[of].field, value,
                    ken_word(of, 0), n - 1, ken_word(of, n - 1));
}
