"$MAKE_RUN" r.ken && "$KEN" score r.ken --audit 8 -o sheet.csv && cat sheet.csv && "$KEN" score r.ken --audited sheet.csv
# as a spreadsheet may leave it: a mark, semicolons, other columns in another order, separators below
python3 -c '
import csv
rows = list(csv.DictReader(open("sheet.csv", encoding="utf-8", newline="")))
said = ["Wrong", "w", "PARA", "lower-granularity", "higher", "wrong", ""]
with open("judged.csv", "w", encoding="utf-8-sig", newline="") as f:
    out = csv.DictWriter(f, ["verdict", "note", *reversed(list(rows[0])[:-1]), " "], delimiter=";", extrasaction="ignore")
    out.writeheader()
    for row, verdict in zip(rows, said):
        out.writerow({**row, "verdict": verdict, "note": "a; b", " ": ""})
    f.write(";;;;;;;;;;;\r\n\r\n")'
"$KEN" score r.ken --audited judged.csv
"$KEN" score r.ken --audited judged.csv --json | python3 -c '
import json, sys
x = json.load(sys.stdin)
print(*x, x["judged"], x["answers"], x["verdicts"]["paraphrase"])
print(*x["greedy"], x["greedy"]["run"], x["greedy"]["missed"])'
# what is refused
"$KEN" score r.ken --audit 4 -o judged.csv; echo $?
"$KEN" score r.ken --audit 4 -o r.ken; echo $?
"$KEN" score r.ken --matcher contains --audited sheet.csv; echo $?
sed 's/Koror/Korror/' sheet.csv >x.csv; "$KEN" score r.ken --audited x.csv; echo $?
sed 's/Palau/Nauru/' sheet.csv >x.csv; "$KEN" score r.ken --audited x.csv; echo $?
sed 's/capital\/test\/3/capital\/test\/33/' sheet.csv >x.csv; "$KEN" score r.ken --audited x.csv; echo $?
sed '3s/$/perhaps/' sheet.csv >x.csv; "$KEN" score r.ken --audited x.csv; echo $?
sed '1s/verdict/notes/' sheet.csv >x.csv; "$KEN" score r.ken --audited x.csv; echo $?
"$KEN" score r.ken --audited r.ken; echo $?
"$KEN" score r.ken --audited none.csv; echo $?
"$KEN" score r.ken --audited sheet.csv --rows; echo $?
