/* csv_quotes.h - whether quotes in a table enclose fields or are part of the text, where the file leaves it open. */
#ifndef KEN_DATA_CSV_QUOTES_H
#define KEN_DATA_CSV_QUOTES_H
#include <stdbool.h>
#include <stddef.h>

/* TSV is often written without any quoting ('"Hello" is sung by whom?'). True when quotes in this text (n) can only be characters: some field begins
 * with a quote that does not end where the field does, all lines have as many tabs as the first one, and nothing looks like quoting. */
bool ken_tsv_quotes_are_text(const char *text, size_t n);

/* Does a record that a quote stretched over several lines [from, to) look like whole rows glued together? Each of its lines has n_fields fields by
 * itself. In CSV commas before a space and between digits are those of a sentence and speak against it, as does a quote that
 * is written twice. */
bool ken_csv_is_glued(const char *from, const char *to, char delimiter, size_t n_fields);

/* The end of the line at p, which LF, CRLF and CR alone end; *next: where the one after it begins. */
const char *ken_line_end(const char *p, const char *stop, const char **next);
#endif
