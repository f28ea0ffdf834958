/* views.c - views on a terminal; see views.h. What a number looks like is decided in the library (ken_view_cell_text); here it gets its place and
 * its colour. */
#include "cli/views.h"
#include "cli/cli.h"
#include "cli/term.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTERVAL = 15 /* " [ 38.0,  44.5]"; wider where one needs it */,
    WHOLE = 26,
    NAMES = 22 /* are not cut below, but where nothing else helps: then to */,
    SHORT_NAMES = 12,
    SHORT_BAR = 10,
    MOST_COLUMNS = 64,
    MOST_WORD = 2000
};

typedef struct layout {
    int width[MOST_COLUMNS];    /* 0: not on a terminal */
    int interval[MOST_COLUMNS]; /* 0: there is none */
    size_t last;                /* the last one that is there */
} layout;

static bool is_there(unsigned where)
{
    const unsigned unless = cli.verbose ? KEN_UNLESS_VERBOSE : KEN_IF_VERBOSE;
    return (where & KEN_ON_TERMINAL) != 0 && (where & unless) == 0;
}

/* Where a terminal has no Unicode, the signs that we use ourselves are spelled, and take no more bytes than they had. out: of the length of s */
static const char *plainly(const char *s, char *out)
{
    static const char *const sign[][2] = {{"\u00b1", "+-"}, {"\u2192", "->"}, {"\u2193", "v"}, {"\u2013", "-"}};
    char *to = out;
    if (term_unicode()) return s;
    while (*s != '\0') {
        size_t k = 0;
        while (k < sizeof sign / sizeof *sign && strncmp(s, sign[k][0], strlen(sign[k][0])) != 0) k++;
        if (k == sizeof sign / sizeof *sign) *to++ = *s++;
        else {
            to += sprintf(to, "%s", sign[k][1]);
            s += strlen(sign[k][0]);
        }
    }
    *to = '\0';
    return out;
}

static const char *head_of(const ken_view_column *c, char out[MOST_WORD])
{
    return strlen(c->head) < MOST_WORD ? plainly(c->head, out) : c->head;
}

static bool is_drawn(const ken_view_column *c) { return c->unit == KEN_UNIT_BAR || c->unit == KEN_UNIT_PARTS; }

/* A head without room of its own stands over the column before it too, when that has none. */
static int borrowed(const ken_view *t, const layout *l, size_t i)
{
    return i > 0 && l->width[i - 1] > 0 && t->column[i - 1].head[0] == '\0' && !is_drawn(&t->column[i - 1])
               ? l->width[i - 1]
               : 0;
}

/* How wide column i has to be for its head and its contents, and whether it has intervals. tight: not wider than that. */
static void measure(const ken_view *t, layout *l, size_t i, bool tight)
{
    const ken_view_column *c = &t->column[i];
    char buf[64], plain[MOST_WORD];
    const int gap = c->unit == KEN_UNIT_TEXT ? (i > 0 ? 2 : 0) : 1, head = term_columns(head_of(c, plain));
    const bool intervals = (c->where & KEN_INTERVAL_IF_VERBOSE) == 0 || cli.verbose;
    int w = tight && !is_drawn(c) ? 0 : c->width;
    for (size_t r = 0; r < t->n_rows && !is_drawn(c); r++) {
        if (t->row[r].between != NULL || !is_there(t->row[r].where)) continue;
        const int n = term_columns(ken_view_cell_text(c, &t->row[r].cell[i], buf)) + gap;
        if (n > w) w = n;
        const int ends = intervals ? (int)strlen(ken_view_interval_text(c, &t->row[r].cell[i], buf)) : 0;
        if (ends > 0 && l->interval[i] < INTERVAL) l->interval[i] = INTERVAL;
        if (ends >= l->interval[i] && ends > 0) l->interval[i] = ends + 1;
    }
    if (head > 0 && head + gap > w + borrowed(t, l, i)) w = head + gap - borrowed(t, l, i);
    l->width[i] = w;
}

static int width_of(const ken_view *t, layout *l, bool narrow, bool tight)
{
    int sum = 0;
    *l = (layout){0};
    for (size_t i = 0; i < t->n_columns && i < MOST_COLUMNS; i++) {
        if (!is_there(t->column[i].where) || (narrow && (t->column[i].where & KEN_IF_ROOM) != 0)) continue;
        measure(t, l, i, tight);
        l->last = i;
        sum += l->width[i] + l->interval[i];
    }
    return sum;
}

/* How far column i may be cut where nothing else helps: a bar and the names, which stand first; all others to their contents. */
static int least_of(const ken_view *t, const layout *tight, size_t i)
{
    const int least = t->column[i].unit == KEN_UNIT_BAR              ? SHORT_BAR
                      : i == 0 && t->column[i].unit == KEN_UNIT_TEXT ? SHORT_NAMES
                                                                     : tight->width[i];
    return least < tight->width[i] ? least : tight->width[i];
}

/* Takes what is too much from all columns alike, if that makes the table fit; else leaves it. */
static int squeeze(const ken_view *t, layout *l, int over)
{
    layout tight;
    const size_t n = t->n_columns < MOST_COLUMNS ? t->n_columns : MOST_COLUMNS;
    int spare = 0;
    (void)width_of(t, &tight, true, true);
    for (size_t i = 0; i < n; i++)
        if (l->width[i] > 0) spare += l->width[i] - least_of(t, &tight, i);
    while (over > 0 && spare >= over)
        for (size_t i = n; i-- > 0 && over > 0;)
            if (l->width[i] > 0 && l->width[i] > least_of(t, &tight, i)) l->width[i]--, over--, spare--;
    return over;
}

/* Columns are as wide as their contents, at least as wide as they want to be. Where that is too much, names are cut. Where that does not do, some
 * columns are left out as well, and the others come closer; with -v, which asks for more than fits, all are there. Where room is left, the bar of
 * a whole takes it. */
static void lay_out(const ken_view *t, layout *l)
{
    const bool named = t->n_columns > 0 && t->column[0].unit == KEN_UNIT_TEXT;
    const int least = named && t->column[0].width > NAMES ? t->column[0].width : NAMES;
    int over = width_of(t, l, false, false) - term_width();
    const int spare = named && l->width[0] > least ? l->width[0] - least : 0;
    if (over > spare && !cli.verbose) over = width_of(t, l, true, false) - term_width();
    if (over > 0) {
        l->width[0] -= over < spare ? over : spare;
        over -= over < spare ? over : spare;
    }
    if (over > 0 && !cli.verbose) over = squeeze(t, l, over);
    for (size_t i = 0; i < t->n_columns && i < MOST_COLUMNS && over < 0; i++)
        if (l->width[i] > 0 && l->width[i] < WHOLE && t->column[i].unit == KEN_UNIT_PARTS)
            l->width[i] = l->width[i] - over < WHOLE ? l->width[i] - over : WHOLE;
}

static void print_text(const char *s, int width, bool left, bool last, ken_style style)
{
    fputs(term_on((int)style), stdout);
    if (left && last) term_text(s);
    else term_cell(s, left ? width : -width);
    fputs(term_off(), stdout);
}

/* A line does not end in spaces. */
static size_t end_of(const ken_view *t, const layout *l, const ken_view_row *row)
{
    size_t end = 0;
    char buf[64];
    for (size_t i = 0; i < t->n_columns && i < MOST_COLUMNS; i++) {
        const ken_view_column *c = &t->column[i];
        if (l->width[i] == 0) continue;
        const char *s = row == NULL   ? c->head
                        : is_drawn(c) ? (row->cell[i].there ? "x" : "")
                                      : ken_view_cell_text(c, &row->cell[i], buf);
        if (s[0] != '\0') end = i + 1;
    }
    return end;
}

static void print_heads(const ken_view *t, const layout *l)
{
    const size_t end = end_of(t, l, NULL);
    char plain[MOST_WORD];
    for (size_t i = 0; i < end; i++) {
        const ken_view_column *c = &t->column[i];
        if (l->width[i] == 0) continue;
        const bool lends = i + 1 < t->n_columns && l->width[i + 1] > 0 && borrowed(t, l, i + 1) > 0;
        if (lends) continue;
        const bool left = c->unit == KEN_UNIT_TEXT;
        const int gap = left && i > 0 ? 2 : 0; /* as its cells have */
        printf("%*s", gap, "");
        print_text(head_of(c, plain), l->width[i] + borrowed(t, l, i) - gap, left, i == l->last,
                   c->style != KEN_STYLE_PLAIN ? c->style : KEN_STYLE_STRONG);
        if (l->interval[i] > 0) print_text("95%", l->interval[i], false, false, KEN_STYLE_STRONG);
    }
    putchar('\n');
}

static void print_cell(const ken_view_column *c, const ken_view_cell *x, int width, int interval, bool first, bool last)
{
    char buf[64];
    const ken_style style =
        c->unit == KEN_UNIT_SHARE && interval > 0 && x->style == KEN_STYLE_PLAIN ? KEN_STYLE_STRONG : x->style;
    if (is_drawn(c)) {
        fputs("  ", stdout);
        if (c->unit == KEN_UNIT_PARTS) term_stacked_bar(x->part, x->n_parts, width - 2);
        else term_share_bar(x->value, width - 2, x->style == KEN_STYLE_PLAIN ? (int)KEN_STYLE_BETTER : (int)x->style);
    } else {
        const bool left = c->unit == KEN_UNIT_TEXT;
        const int gap = left && !first ? 2 : 0;
        if (gap > 0 && (x->there || !last)) fputs("  ", stdout);
        print_text(ken_view_cell_text(c, x, buf), width - gap, left, last, style);
    }
    if (interval > 0) print_text(ken_view_interval_text(c, x, buf), interval, false, false, KEN_STYLE_PLAIN);
}

static void print_row(const ken_view *t, const layout *l, const ken_view_row *row)
{
    const size_t end = end_of(t, l, row);
    char buf[64];
    for (size_t i = 0; i < end; i++) {
        if (l->width[i] == 0) continue;
        const ken_view_column *c = &t->column[i];
        const bool ends = i + 1 < end || ken_view_interval_text(c, &row->cell[i], buf)[0] != '\0';
        print_cell(c, &row->cell[i], l->width[i], ends ? l->interval[i] : 0, i == 0, i == l->last);
    }
}

/* What the signs of its bars mean, where they are no colours. */
static void print_legend(const ken_view *t, const layout *l)
{
    int parts = 0;
    for (size_t i = 0; i < t->n_columns && i < MOST_COLUMNS; i++)
        for (size_t r = 0; r < t->n_rows && l->width[i] > 0 && t->column[i].unit == KEN_UNIT_PARTS; r++)
            if (is_there(t->row[r].where) && t->row[r].between == NULL && t->row[r].cell[i].n_parts > parts)
                parts = t->row[r].cell[i].n_parts;
    if (parts == 0 || term_part_sign(0) == NULL) return;
    for (int k = 0; k < parts; k++) printf("%s%s %s", k > 0 ? "   " : "", term_part_sign(k), ken_category_name(k));
    putchar('\n');
}

static void print_table(const ken_view *t)
{
    layout l;
    lay_out(t, &l);
    if (t->title != NULL) {
        fputs(term_on(KEN_STYLE_QUIET), stdout);
        term_text(t->title);
        printf("%s\n", term_off());
    }
    if (!t->headless) print_heads(t, &l);
    for (size_t r = 0; r < t->n_rows; r++) {
        const ken_view_row *row = &t->row[r];
        if (!is_there(row->where)) continue;
        if (row->between != NULL) {
            printf("\n%s", term_on(KEN_STYLE_QUIET));
            term_text(row->between);
            printf("%s\n", term_off());
            continue;
        }
        print_row(t, &l, row);
        putchar('\n');
    }
    print_legend(t, &l);
}

/* Lines end between words; a word that is wider than the terminal has a line of its own. */
static void print_spans(const ken_view *t)
{
    int at = t->indent;
    char word[MOST_WORD], plain[MOST_WORD];
    printf("%*s", t->indent, "");
    for (size_t i = 0; i < t->n_spans; i++) {
        fputs(term_on((int)t->span[i].style), stdout);
        for (const char *s = t->span[i].text; *s != '\0';) {
            const size_t spaces = strspn(s, " "), all = spaces + strcspn(s + spaces, " ");
            size_t n = all < sizeof word ? all : sizeof word - 1;
            while (n < all && n > 1 && ((unsigned char)s[n] & 0xC0) == 0x80) n--; /* never within a character */
            memcpy(word, s, n);
            word[n] = '\0';
            s += n;
            const char *shown = plainly(word, plain);
            const int w = term_columns(shown);
            const bool next = at > t->indent && spaces > 0 && at + w > term_width();
            if (next) printf("\n%*s", t->indent, "");
            term_text(next ? shown + spaces : shown);
            at = next ? t->indent + w - (int)spaces : at + w;
        }
        fputs(t->span[i].style != KEN_STYLE_PLAIN ? term_off() : "", stdout);
    }
    putchar('\n');
}

static void print_views(const ken_views *v)
{
    bool first = true;
    const ken_view *t;
    for (size_t i = 0; (t = ken_views_get(v, i)) != NULL; i++) {
        if (!is_there(t->where) || t->kind == KEN_VIEW_VALUES) continue;
        if (!first && !t->close) putchar('\n');
        first = false;
        if (t->kind == KEN_VIEW_TABLE) print_table(t);
        else print_spans(t);
    }
}

int cli_print_form(ken_views *v, cli_form form, ken_err *err)
{
    char *text;
    int rc = form(v, &text, err);
    errno = 0;
    if (rc == KEN_OK && (fputs(text, stdout) == EOF || (form == ken_views_json && putchar('\n') == EOF)))
        rc = cli_fail(err, KEN_EFAIL, "cannot write to standard output: %s",
                      errno != 0 ? strerror(errno) : "write error");
    ken_text_free(text);
    ken_views_free(v);
    return rc;
}

int cli_print_views(ken_views *v, ken_err *err)
{
    if (cli.json) return cli_print_form(v, ken_views_json, err);
    print_views(v);
    ken_views_free(v);
    return KEN_OK;
}

int cli_check_tables(const cli_tables *as, bool rows, ken_err *err)
{
    if (as->csv + as->latex + cli.json <= 1 && !(rows && (as->csv || as->latex))) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE,
                    "--csv and --latex print the tables; they go with neither --rows nor --json nor each other");
}

int cli_print_tables(ken_views *v, const cli_tables *as, ken_err *err)
{
    if (as->csv) return cli_print_form(v, ken_views_csv, err);
    return as->latex ? cli_print_form(v, ken_views_latex, err) : cli_print_views(v, err);
}
