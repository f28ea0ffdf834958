/* fuzz_audit_sheet.c - a judged sheet, as a spreadsheet or an attacker may have left it: separators, columns, numbers, verdicts. What was read is
 * compared with itself, as it would be with a run. */
#include "study/audit_sheet.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ken_sheet s;
    if (ken_sheet_parse(&s, "f.csv", (const char *)data, n, NULL) == KEN_OK)
        for (size_t i = 0; i < s.n; i++)
            for (int k = 0; k < KEN_SHEET_COLUMNS; k++) {
                const char *cell = s.lines[i].cell[k];
                if (cell != NULL && !ken_sheet_same(cell, cell)) abort();
            }
    ken_sheet_free(&s);
    return 0;
}
