/* settings.c - what decides the numbers of a run, and what identifies its inputs. */
#include "store/setting_keys.h"
#include "view/views.h"
#include <string.h>

void ken_view_settings(ken_views *v, const ken_run *r)
{
    const char *value;
    char number[40];
    ken_view_column *c = v != NULL ? ken_arena_calloc(&v->arena, ken_n_setting_keys, sizeof *c) : NULL;
    if (c == NULL) {
        ken_views_fail(v);
        return;
    }
    size_t n = 0;
    for (const ken_setting_key *k = ken_setting_keys; k < ken_setting_keys + ken_n_setting_keys; k++)
        if (k->title != NULL && (value = ken_run_setting(r, k->key)) != NULL && value[0] != '\0')
            c[n++] = (ken_view_column){.head = k->title, .key = k->key, .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE};
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Everything that decides the numbers above. They belong to these settings; runs with "
                  "others are not comparable row by row.");
    ken_views_values(v, c, n, NULL);
    for (size_t i = 0; i < n; i++) {
        value = ken_run_setting(r, c[i].key);
        ken_put_text(v, KEN_STYLE_PLAIN, strcmp(value, "\n") == 0 ? "newline" : ken_setting_shown(value, number));
    }
}
