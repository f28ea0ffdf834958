# What the labels may hide stands on the page in the words of the terminal.
"$MAKE_RUN" r.ken chat && "$KEN" report r.ken -o p.html 2>/dev/null && grep -o '<p class="note">.*among other words.*</p>' p.html && grep -o '<p class="finding">.*</p>' p.html
"$MAKE_RUN" b.ken after && "$KEN" report r.ken b.ken -o d.html 2>/dev/null && grep -o 'Astana.*</small>' d.html | head -1
