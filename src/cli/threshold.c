/* threshold.c - see threshold.h. */
#include "cli/threshold.h"
#include "cli/cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int bad(const char *text, const char *why, const char *const *names, size_t n, ken_err *err)
{
    char list[300] = "";
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    return cli_fail(err, KEN_EUSAGE, "--fail-if \"%s\": %s; expected as in 'accuracy<30%%', with one of %s", text, why,
                    list);
}

int cli_threshold_parse(cli_threshold *t, const char *text, const char *const *names, size_t n, ken_err *err)
{
    size_t len = strcspn(text, "<>");
    size_t name = len;
    while (name > 0 && text[name - 1] == ' ') name--;
    *t = (cli_threshold){.metric = -1};
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) == name && memcmp(names[i], text, name) == 0) t->metric = (int)i;
    if (text[len] == '\0') return bad(text, "there is neither < nor >", names, n, err);
    if (t->metric < 0) return bad(text, "the metric is not known", names, n, err);
    t->below = text[len] == '<';
    const char *p = text + len + 1;
    if (*p == '=') {
        t->equal = true;
        p++;
    }
    char *end;
    errno = 0;
    t->value = strtod(p, &end);
    bool number = end != p && errno == 0 && isfinite(t->value);
    if (*end == '%') {
        t->percent = true;
        t->value /= 100;
        end++;
    }
    return number && *end == '\0' ? KEN_OK : bad(text, "what follows < or > is not a number", names, n, err);
}

bool cli_threshold_holds(const cli_threshold *t, double value)
{
    if (isnan(value)) return false;
    if (t->equal && value == t->value) return true;
    return t->below ? value < t->value : value > t->value;
}
