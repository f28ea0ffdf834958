/* names.c - what there is to choose from, as the library lists it, for help, manual and completion. */
#include "cli/cli.h"
#include <string.h>

static void add(char *out, size_t size, const char *sep, const char *name)
{
    const size_t n = strlen(out);
    if (n < size) snprintf(out + n, size - n, "%s%s", n > 0 ? sep : "", name);
}

void cli_list_methods(char *out, char *help, size_t size)
{
    const char *name, *about;
    out[0] = help[0] = '\0';
    for (int i = 0; (name = ken_method_name(i, &about)) != NULL; i++) {
        char line[CLI_HELP_SIZE];
        snprintf(line, sizeof line, "%s: %s", name, about);
        add(out, size, "|", name);
        add(help, size, "; ", line);
    }
}

void cli_list_matchers(char *out, size_t size, bool exact)
{
    bool is_exact;
    const char *form;
    out[0] = '\0';
    for (int i = 0; (form = ken_matcher_form(i, &is_exact)) != NULL; i++)
        if (is_exact == exact) add(out, size, ", ", form);
}
