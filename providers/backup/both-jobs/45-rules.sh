
# ---- what the rules of retention choose: the same for files and for guests' disks -----------------------------------

# Days since 1970 by the local calendar, and the number of the day, week (from Monday), month and year.
calendar='
  function day(t, offset) { return int((t + offset) / 86400) }
  function year_month(d,   era, doe, yoe, doy, mp, m) {
    # days to civil date, by the 400-year cycle that begins on a first of March
    d += 719468; era = int(d / 146097); doe = d - era * 146097
    yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
    doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100)); mp = int((5 * doy + 2) / 153)
    m = mp < 10 ? mp + 3 : mp - 9
    return (yoe + era * 400 + (m <= 2)) * 12 + m - 1
  }
  function bucket(what, t, offset,   d) {
    d = day(t, offset)
    if (what == "days" || what == "daily") return d
    if (what == "weeks" || what == "weekly") return int((d + 3) / 7)
    if (what == "months" || what == "monthly") return year_month(d)
    return int(year_month(d) / 12)
  }'

# The rules choose restore points: the last N, and the newest of each of the last N days, weeks, months and years that have
# one. A chain goes when none of its points was chosen. It stays anyway while it is the newest, the newest that was
# verified, younger than the immutable days, or read by someone. What would be chosen if damaged points did not count
# stays as well, and what would be if they did. Reads time, offset, chain and run of every point, its state in the eleventh
# field, and whether it was verified in the twelfth.
select_kept='
  function choose(whole,   i, r, what, many, n, b, before) {
    for (r = 1; r <= rules; r++) {
      split(rule[r], f, " "); what = f[1]; many = f[2]; n = 0; before = ""
      for (i = points; i > 0 && n < many; i--) {
        if (whole && state[i] != "whole") continue
        b = what == "last" ? i : bucket(what, time[i], offset[i])
        if (b == before) continue
        before = b; n++
        if (!(chain[i] in why)) why[chain[i]] = run[i] " is " (what == "last" ? "number " n " of the last " many : "of " substr(what, 1, length(what) - 1) " " n " of " many)
        chosen[i] = 1
      }
    }
  }
  { points++; time[points] = $1; offset[points] = $2; chain[points] = $3; run[points] = $4; state[points] = $11
    if ($11 != "whole") time[points] = time[points - 1] + 0
    if (!($3 in count)) order[++chains] = $3
    count[$3]++; newest[$3] = time[points]; if ($12 > 0) verified = $3 }
  END {
    rules = split(keeps, rule, ",")
    choose(1); choose(0)
    for (c = 1; c <= chains; c++) {
      k = order[c]
      if (k in why) print "keep\t" k "\t" why[k]
      else if (c == chains) print "keep\t" k "\tit is the newest"
      else if (k == verified) print "keep\t" k "\tit is the newest that was verified"
      else if (days > 0 && now - newest[k] < days * 86400) print "keep\t" k "\tit is immutable for " days " days"
      else print "delete\t" k "\tnone of its " count[k] " points is kept"
    }
  }'
