/* describe.c - what the library says of a row's numbers, of flags and of settings, one a line, for the tests of the pages:
 * "row NAME TYPE JSON MEANING", "prompt ...", "flag BIT NAME MEANING", "setting KEY TITLE", separated by tabs. */
#include "store/row_fields.h"
#include "store/setting_keys.h"
#include <stdio.h>

static void describe(const char *what, const ken_fields *t)
{
    static const char *const json[] = {"never", "always", "if there"};
    for (const ken_field *f = t->f; f < t->f + t->n; f++)
        printf("%s\t%s\t%s\t%s\t%s\n", what, f->name, ken_field_sql_type(f), json[f->json], f->meaning);
}

int main(void)
{
    describe("row", &ken_row_fields);
    describe("prompt", &ken_prompt_fields);
    for (int bit = 0; ken_flag_name(bit) != NULL; bit++)
        printf("flag\t%d\t%s\t%s\n", bit, ken_flag_name(bit), ken_flag_meaning(bit));
    for (size_t i = 0; i < ken_n_setting_keys; i++)
        printf("setting\t%s\t%s\n", ken_setting_keys[i].key,
               ken_setting_keys[i].title != NULL ? ken_setting_keys[i].title : "");
    return 0;
}
