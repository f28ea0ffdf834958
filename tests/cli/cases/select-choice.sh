# Multiple choice: halves by P_Correct, which ranks as the knowledge score does; no categories to choose by.
"$MAKE_RUN" c.ken choice
for h in popular unpopular; do "$KEN" select c.ken --half $h --half-by p -o $h.csv && cut -d, -f1-3 $h.csv; done
"$KEN" select c.ken --half popular --half-by p --half-within relation --dry-run
"$KEN" select c.ken --p-min 0.5 -o - --to trl --strict-keys
"$KEN" select c.ken --variant unknown=50 --dry-run; echo $?
printf '{"question": "Two and two?", "choices": ["3", "4"], "answer": "4"}\n' >q.jsonl && "$KEN" select q.jsonl -o - --to text
