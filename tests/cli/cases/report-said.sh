# What the labels may hide stands on the page in the words of the terminal.
"$MAKE_RUN" r.ken chat && "$KEN" report r.ken -o p.html 2>/dev/null && grep -o '<p class="note">.*among other words.*</p>' p.html
