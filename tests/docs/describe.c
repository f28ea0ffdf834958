/* describe.c - what the library says of a row's numbers and of flags, one a line, for the tests of the pages:
 * "row NAME TYPE JSON MEANING", "prompt ...", "flag BIT NAME MEANING", separated by tabs. */
#include "store/row_fields.h"
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
    return 0;
}
